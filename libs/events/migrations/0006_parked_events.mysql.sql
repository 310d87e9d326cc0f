-- Events that could not be handled, and those of the same subject that wait behind them. `event` is the whole envelope; `next_try` is
-- when it is tried again by itself, 0 while it waits behind another.
CREATE TABLE parked_events (
  source VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(source) >= 1),
  position BIGINT NOT NULL,
  tenant VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(subject) >= 1),
  type VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(type) >= 1),
  error VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  parked_time BIGINT NOT NULL,
  next_try BIGINT NOT NULL,
  attempts INT NOT NULL CHECK (attempts >= 0),
  checksum BIGINT NOT NULL,
  event MEDIUMBLOB NOT NULL,
  PRIMARY KEY (source, position),
  KEY parked_events_by_subject (source, subject, position),
  KEY parked_events_by_tenant (tenant, source, position)
) ENGINE = InnoDB;
