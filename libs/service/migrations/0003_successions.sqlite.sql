-- What came in the place of what: bodies and forces, by name. `from_us` is the successor's first instant; `event` the registry's event that
-- said so, `checksum` that of its bytes.
CREATE TABLE successions (
  predecessor TEXT NOT NULL PRIMARY KEY CHECK (length(predecessor) <= 200),
  successor TEXT NOT NULL CHECK (length(successor) <= 200),
  from_us INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  event BLOB NOT NULL CHECK (length(event) <= 16777215)
) STRICT;
