-- Each body with its force, all that the registry told of them: what the registry is given back when it has forgotten it. `content` is a
-- serialised section55.registry.v1.BodyRegistered.
CREATE TABLE registered_bodies (
  body TEXT NOT NULL PRIMARY KEY CHECK (length(body) <= 63),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 65535)
) STRICT, WITHOUT ROWID;
