-- One row for each response owed. `content` is the serialised section55.authoring.v1.Response without its etag, which is `version`.
CREATE TABLE responses (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  force_id TEXT NOT NULL CHECK (length(force_id) <= 63),
  state INTEGER NOT NULL,
  version INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection)
) STRICT, WITHOUT ROWID;
CREATE INDEX responses_by_inspection ON responses (inspection, body);
