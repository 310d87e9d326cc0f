-- Each force, all that the registry told of it last: what the registry is given back when it has forgotten it. `content` is a serialised
-- section55.registry.v1.ForceChanged.
CREATE TABLE registered_forces (
  force_id TEXT NOT NULL PRIMARY KEY CHECK (length(force_id) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
