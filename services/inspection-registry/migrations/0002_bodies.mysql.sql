-- One row for each local policing body. `content` is the serialised section55.registry.v1.Body without its etag, which is `version`;
-- `checksum` is that of its bytes. The unique index is the promise that a force is held to account by one body.
CREATE TABLE bodies (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL,
  UNIQUE KEY bodies_by_force (force_id)
) ENGINE = InnoDB;
