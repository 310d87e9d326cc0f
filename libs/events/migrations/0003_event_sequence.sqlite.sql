-- One row: the position that the next event of the feed gets, and the incarnation of the feed: a UUID, empty until somebody asks.
CREATE TABLE event_sequence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next_position INTEGER NOT NULL CHECK (next_position >= 1),
  incarnation TEXT NOT NULL CHECK (length(incarnation) <= 36)
) STRICT;
