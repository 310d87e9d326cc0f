-- How far each source's feed has been followed. `retries` counts retries of parked events: writing it is how a retry and the
-- follower keep out of each other's way.
CREATE TABLE follower_cursors (
  source VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(source) >= 1),
  position BIGINT NOT NULL CHECK (position >= 0),
  retries BIGINT NOT NULL
) ENGINE = InnoDB;
