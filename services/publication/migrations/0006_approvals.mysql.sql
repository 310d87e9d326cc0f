-- What was approved for publication, edition by edition. `content` is the serialised section55.authoring.v1.Response without its report,
-- `report` which wording of it belongs to it, `approval_event` the id of the event that told of it; `refused` is 1 when it could not be
-- published and went back to the office.
CREATE TABLE approvals (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edition BIGINT NOT NULL,
  report VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approval_event VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  refused BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection, edition)
) ENGINE = InnoDB;
