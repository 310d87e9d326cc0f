-- One row: the position that the next event of the feed gets.
CREATE TABLE event_sequence (
  id INT NOT NULL PRIMARY KEY CHECK (id = 1),
  next_position BIGINT NOT NULL CHECK (next_position >= 1)
) ENGINE = InnoDB;
