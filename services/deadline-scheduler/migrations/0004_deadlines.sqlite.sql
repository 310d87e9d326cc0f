-- One row for each deadline. `content` is the serialised section55.deadlines.v1.Deadline without its etag, which is `version`;
-- `checksum` is that of its bytes. `missed_from` is the first instant at which it is missed. The indexes are the orders of lists: of a
-- body's deadlines and of everybody's, in one state or in all, and of everybody's for one report.
CREATE TABLE deadlines (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  state INTEGER NOT NULL,
  missed_from INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535),
  PRIMARY KEY (body, inspection)
) STRICT, WITHOUT ROWID;
CREATE INDEX deadlines_by_missed_from ON deadlines (missed_from, body, inspection);
CREATE INDEX deadlines_by_state ON deadlines (state, missed_from, body, inspection);
CREATE INDEX deadlines_by_body ON deadlines (body, missed_from, inspection);
CREATE INDEX deadlines_by_body_and_state ON deadlines (body, state, missed_from, inspection);
CREATE INDEX deadlines_by_inspection ON deadlines (inspection, missed_from, body);
