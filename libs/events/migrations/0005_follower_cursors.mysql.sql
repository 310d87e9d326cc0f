-- How far each source's feed has been followed: the position, the id of the event there and the feed's incarnation, by which a feed that
-- was replaced is recognised. `retries` counts retries of parked events: writing it is how a retry and the follower keep out of each
-- other's way.
CREATE TABLE follower_cursors (
  source VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(source) >= 1),
  position BIGINT NOT NULL CHECK (position >= 0),
  incarnation VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_event_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  retries BIGINT NOT NULL
) ENGINE = InnoDB;
