-- The feeds that this one goes on from, since the service was restored from a backup: up to `last_position` they have the same events.
CREATE TABLE feed_ancestors (
  incarnation TEXT NOT NULL PRIMARY KEY CHECK (length(incarnation) = 36),
  last_position INTEGER NOT NULL CHECK (last_position >= 0)
) STRICT;
