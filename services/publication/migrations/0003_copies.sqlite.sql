-- The copies owed of each edition. `kind` is Copy.RecipientKind, `content` the serialised Copy.
CREATE TABLE copies (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  edition INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  copy_id TEXT NOT NULL CHECK (length(copy_id) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection, edition, kind, copy_id)
) STRICT;
