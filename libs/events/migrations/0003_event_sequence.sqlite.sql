-- One row: the position that the next event of the feed gets.
CREATE TABLE event_sequence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next_position INTEGER NOT NULL CHECK (next_position >= 1)
) STRICT;
