-- One row for each response owed. `content` is the serialised section55.authoring.v1.Response without its report, which stands in
-- reports, and its etag, which is `version`; `summary` is what of that a list shows; `history` the last row of part_history that is about it, `revisions` how
-- many revisions it has had. The indexes are the orders of lists.
CREATE TABLE responses (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  version BIGINT NOT NULL,
  history BIGINT NOT NULL,
  revisions BIGINT NOT NULL,
  summary_checksum BIGINT NOT NULL,
  summary MEDIUMBLOB NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection),
  KEY responses_by_state (state, body, inspection),
  KEY responses_by_inspection (inspection, body),
  KEY responses_by_inspection_and_state (inspection, state, body),
  KEY responses_by_body_and_state (body, state, inspection)
) ENGINE = InnoDB;
