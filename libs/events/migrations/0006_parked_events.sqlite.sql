-- Events that could not be handled, and those of the same subject that wait behind them. `event` is the whole envelope; `next_try` is
-- when it is tried again by itself, 0 while it waits behind another.
CREATE TABLE parked_events (
  source TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 63),
  position INTEGER NOT NULL,
  tenant TEXT NOT NULL CHECK (length(tenant) <= 200),
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 500),
  type TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 200),
  error TEXT NOT NULL CHECK (length(error) <= 1000),
  parked_time INTEGER NOT NULL,
  next_try INTEGER NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  checksum INTEGER NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (source, position)
) STRICT;
CREATE INDEX parked_events_by_subject ON parked_events (source, subject, position);
CREATE INDEX parked_events_by_tenant ON parked_events (tenant, source, position);
