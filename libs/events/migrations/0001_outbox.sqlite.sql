-- Committed events that have no position yet. The lengths are those of the MySQL columns. A payload is
-- at most base::kLargestEvent; `checksum` is its XXH3.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL CHECK (length(event_id) = 36),
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
