-- Answers given to requests that carry a request_id (libs/db/idempotency.h).
-- VARBINARY: callers choose the ids, and every other type would hold "a" and "a " for the same.
CREATE TABLE requests (
  caller VARBINARY(300) NOT NULL,
  method VARBINARY(255) NOT NULL,
  request_id VARBINARY(128) NOT NULL,
  request_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_us BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  response LONGBLOB NOT NULL,
  PRIMARY KEY (caller, method, request_id),
  KEY requests_by_age (created_us)
) ENGINE = InnoDB
