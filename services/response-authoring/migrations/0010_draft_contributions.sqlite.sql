-- What forces are writing and have not sent. `content` is a serialised section55.authoring.v1.DraftContribution.
CREATE TABLE draft_contributions (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection, id)
) STRICT;
