-- The reports published, for explaining their deadlines. `content` is a serialised section55.registry.v1.Inspection with only its
-- name, title, publication date and basis; `checksum` is that of its bytes.
CREATE TABLE inspections (
  inspection TEXT NOT NULL PRIMARY KEY CHECK (length(inspection) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
