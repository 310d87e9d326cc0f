-- One row for each local policing body. `content` is the serialised section55.registry.v1.Body without its etag, which is `version`;
-- `checksum` is that of its bytes. The unique index is the promise that a force is held to account by one body.
CREATE TABLE bodies (
  body TEXT NOT NULL PRIMARY KEY CHECK (length(body) <= 63),
  force_id TEXT NOT NULL CHECK (length(force_id) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bodies_by_force ON bodies (force_id);
