-- One row for each local policing body. `content` is the serialised section55.registry.v1.Body without its etag, which is `version`;
-- `checksum` is that of its bytes. Which force it holds to account when stands in its links.
CREATE TABLE bodies (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL
) ENGINE = InnoDB;
