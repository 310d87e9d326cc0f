-- One row for each response owed. `content` is the serialised section55.authoring.v1.Response without its report, which stands in
-- reports, and its etag, which is `version`; `summary` is what of that a list shows; `history` the last row of part_history that is about it, `revisions` how
-- many revisions it has had. The indexes are the orders of lists.
CREATE TABLE responses (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  force_id TEXT NOT NULL CHECK (length(force_id) <= 63),
  state INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  history INTEGER NOT NULL,
  revisions INTEGER NOT NULL,
  summary_checksum INTEGER NOT NULL,
  summary BLOB NOT NULL CHECK (length(summary) <= 16777215),
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection)
) STRICT;
CREATE INDEX responses_by_state ON responses (state, body, inspection);
CREATE INDEX responses_by_inspection ON responses (inspection, body);
CREATE INDEX responses_by_inspection_and_state ON responses (inspection, state, body);
CREATE INDEX responses_by_body_and_state ON responses (body, state, inspection);
