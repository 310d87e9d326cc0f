-- Comments on responses, in the order in which they were made. `content` is a serialised section55.authoring.v1.Comment.
CREATE TABLE response_comments (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535),
  PRIMARY KEY (body, inspection, id)
) STRICT, WITHOUT ROWID;
