-- Who follows this feed and has not yet given back what it holds since the database was restored.
CREATE TABLE awaited_followers (
  follower VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(follower) >= 1)
) ENGINE = InnoDB;
