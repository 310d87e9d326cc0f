-- Comments on responses, in the order in which they were made. `content` is a serialised section55.authoring.v1.Comment.
CREATE TABLE response_comments (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (body, inspection, id)
) ENGINE = InnoDB;
