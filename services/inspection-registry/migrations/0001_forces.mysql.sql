-- One row for each police force. `content` is the serialised section55.registry.v1.Force without its etag, which is `version`;
-- `checksum` is that of its bytes.
CREATE TABLE forces (
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL
) ENGINE = InnoDB;
