-- One row for each response owed. `content` is the serialised section55.authoring.v1.Response without its etag, which is `version`.
CREATE TABLE responses (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state BIGINT NOT NULL,
  version BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection),
  KEY responses_by_inspection (inspection, body)
) ENGINE = InnoDB;
