-- One row: the position that the next event of the feed gets, and the incarnation of the feed: a UUID, empty until somebody asks.
CREATE TABLE event_sequence (
  id INT NOT NULL PRIMARY KEY CHECK (id = 1),
  next_position BIGINT NOT NULL CHECK (next_position >= 1),
  incarnation VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE = InnoDB;
