-- Which services follow this feed, and how far each had come when it last said so: nothing that one of them still needs is pruned.
CREATE TABLE feed_followers (
  follower TEXT NOT NULL PRIMARY KEY CHECK (length(follower) BETWEEN 1 AND 63),
  position INTEGER NOT NULL CHECK (position >= 0)
) STRICT;
