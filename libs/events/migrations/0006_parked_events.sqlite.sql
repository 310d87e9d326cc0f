-- Events that could not be handled, and those of the same subject that wait behind them. `event` is the whole envelope.
CREATE TABLE parked_events (
  source TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 63),
  position INTEGER NOT NULL,
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 500),
  type TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 200),
  event BLOB NOT NULL,
  error TEXT NOT NULL CHECK (length(error) <= 1000),
  parked_time INTEGER NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  PRIMARY KEY (source, position)
) STRICT;
CREATE INDEX parked_events_by_subject ON parked_events (source, subject, position);
