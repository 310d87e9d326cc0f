-- Events that could not be handled, and those of the same subject that wait behind them. `event` is the whole envelope.
CREATE TABLE parked_events (
  source VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(source) >= 1),
  position BIGINT NOT NULL,
  subject VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(subject) >= 1),
  type VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(type) >= 1),
  event MEDIUMBLOB NOT NULL,
  error VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  parked_time BIGINT NOT NULL,
  attempts INT NOT NULL CHECK (attempts >= 0),
  PRIMARY KEY (source, position),
  KEY parked_events_by_subject (source, subject, position)
) ENGINE = InnoDB;
