-- What forces are writing and have not sent. `content` is a serialised section55.authoring.v1.DraftContribution.
CREATE TABLE draft_contributions (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection, id)
) ENGINE = InnoDB;
