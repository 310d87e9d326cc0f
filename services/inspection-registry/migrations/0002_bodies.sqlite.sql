-- One row for each local policing body. `content` is the serialised section55.registry.v1.Body without its etag, which is `version`;
-- `checksum` is that of its bytes. Which force it holds to account when stands in its links.
CREATE TABLE bodies (
  body TEXT NOT NULL PRIMARY KEY CHECK (length(body) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
