-- One row for each inspection report. `content` is the serialised section55.registry.v1.Inspection without its etag, which is
-- `version`; `checksum` is that of its bytes. `publication_date` is "2020-12-17", in a draft also "2020-12" or empty. The indexes are
-- the order of lists, with and without drafts.
CREATE TABLE inspections (
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  publication_date VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  KEY inspections_by_date (publication_date DESC, inspection),
  KEY inspections_by_state_and_date (state, publication_date DESC, inspection)
) ENGINE = InnoDB;
