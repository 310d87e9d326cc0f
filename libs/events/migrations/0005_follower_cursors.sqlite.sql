-- How far each source's feed has been followed: the position, the id of the event there and the feed's incarnation, by which a feed that
-- was replaced is recognised. `retries` counts retries of parked events: writing it is how a retry and the follower keep out of each
-- other's way.
CREATE TABLE follower_cursors (
  source TEXT NOT NULL PRIMARY KEY CHECK (length(source) BETWEEN 1 AND 63),
  position INTEGER NOT NULL CHECK (position >= 0),
  incarnation TEXT NOT NULL CHECK (length(incarnation) <= 36),
  last_event_id TEXT NOT NULL CHECK (length(last_event_id) <= 36),
  retries INTEGER NOT NULL
) STRICT;
