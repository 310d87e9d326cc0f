-- One row for each police force. `content` is the serialised section55.registry.v1.Force without its etag, which is `version`;
-- `checksum` is that of its bytes.
CREATE TABLE forces (
  force_id TEXT NOT NULL PRIMARY KEY CHECK (length(force_id) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
