-- How far each source's feed has been followed. `retries` counts retries of parked events: writing it is how a retry and the
-- follower keep out of each other's way.
CREATE TABLE follower_cursors (
  source TEXT NOT NULL PRIMARY KEY CHECK (length(source) BETWEEN 1 AND 63),
  position INTEGER NOT NULL CHECK (position >= 0),
  retries INTEGER NOT NULL
) STRICT;
