-- Which services follow this feed, and how far each had come when it last said so: nothing that one of them still needs is pruned.
CREATE TABLE feed_followers (
  follower VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(follower) >= 1),
  position BIGINT NOT NULL CHECK (position >= 0)
) ENGINE = InnoDB;
