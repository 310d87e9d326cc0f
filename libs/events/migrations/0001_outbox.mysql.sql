-- Committed events that have no position yet. A payload is at most base::kLargestEvent; `checksum` is its XXH3.
CREATE TABLE outbox (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(event_id) = 36),
  type VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(type) >= 1),
  tenant VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(subject) >= 1),
  actor VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  cause VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  time BIGINT NOT NULL,
  schema_version INT NOT NULL CHECK (schema_version >= 1),
  checksum BIGINT NOT NULL,
  payload MEDIUMBLOB NOT NULL CHECK (LENGTH(payload) <= 3670016)
) ENGINE = InnoDB;
