-- The feed. Positions are 1, 2, 3 and so on without a gap; the oldest are pruned in time.
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE CHECK (length(event_id) = 36),
  type TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 200),
  tenant TEXT NOT NULL CHECK (length(tenant) <= 200),
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 500),
  actor TEXT NOT NULL CHECK (length(actor) <= 300),
  cause TEXT NOT NULL CHECK (length(cause) <= 200),
  time INTEGER NOT NULL,
  schema_version INTEGER NOT NULL CHECK (schema_version >= 1),
  checksum INTEGER NOT NULL,
  payload BLOB NOT NULL CHECK (length(payload) <= 3670016)
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant, position);
