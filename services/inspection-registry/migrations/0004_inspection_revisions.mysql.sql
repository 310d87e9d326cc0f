-- One row for each step in the life of a published report. `content` is the serialised section55.registry.v1.InspectionRevision, with the
-- report as it then was; `checksum` is that of its bytes. Rows are added and never changed.
CREATE TABLE inspection_revisions (
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (inspection, revision)
) ENGINE = InnoDB;
