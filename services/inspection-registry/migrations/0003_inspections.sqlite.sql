-- One row for each inspection report. `content` is the serialised section55.registry.v1.Inspection without its etag, which is
-- `version`; `checksum` is that of its bytes. `publication_date` is "2020-12-17", in a draft also "2020-12" or empty. The indexes are
-- the order of lists, with and without drafts. Reports are large: a table with rowids finds its keys without passing through them.
CREATE TABLE inspections (
  inspection TEXT NOT NULL PRIMARY KEY CHECK (length(inspection) <= 63),
  publication_date TEXT NOT NULL CHECK (length(publication_date) <= 10),
  state INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215)
) STRICT;
CREATE INDEX inspections_by_date ON inspections (publication_date DESC, inspection);
CREATE INDEX inspections_by_state_and_date ON inspections (state, publication_date DESC, inspection);
