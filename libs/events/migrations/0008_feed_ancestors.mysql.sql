-- The feeds that this one goes on from, since the service was restored from a backup: up to `last_position` they have the same events.
CREATE TABLE feed_ancestors (
  incarnation VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(incarnation) = 36),
  last_position BIGINT NOT NULL CHECK (last_position >= 0)
) ENGINE = InnoDB;
