-- The reports published, for explaining their deadlines. `content` is a serialised section55.registry.v1.Inspection with only its
-- name, title, publication date and basis; `checksum` is that of its bytes.
CREATE TABLE inspections (
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL
) ENGINE = InnoDB;
