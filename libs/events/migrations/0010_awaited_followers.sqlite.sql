-- Who follows this feed and has not yet given back what it holds since the database was restored.
CREATE TABLE awaited_followers (
  follower TEXT NOT NULL PRIMARY KEY CHECK (length(follower) BETWEEN 1 AND 63)
) STRICT;
