-- One row for each deadline. `content` is the serialised section55.deadlines.v1.Deadline without its etag, which is `version`;
-- `checksum` is that of its bytes. `missed_from` is the first instant at which it is missed. The indexes are the orders of lists: of a
-- body's deadlines and of everybody's, in one state or in all, and of everybody's for one report.
CREATE TABLE deadlines (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state BIGINT NOT NULL,
  missed_from BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (body, inspection),
  KEY deadlines_by_missed_from (missed_from, body, inspection),
  KEY deadlines_by_state (state, missed_from, body, inspection),
  KEY deadlines_by_body (body, missed_from, inspection),
  KEY deadlines_by_body_and_state (body, state, missed_from, inspection),
  KEY deadlines_by_inspection (inspection, missed_from, body)
) ENGINE = InnoDB;
