-- When each replica last proved that the database takes changes, by its own clock.
CREATE TABLE probes (
  replica TEXT NOT NULL PRIMARY KEY CHECK (length(replica) BETWEEN 1 AND 300),
  written_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
