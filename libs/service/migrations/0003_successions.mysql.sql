-- What came in the place of what: bodies and forces, by name. `from_us` is the successor's first instant; `event` the registry's event that
-- said so, `checksum` that of its bytes.
CREATE TABLE successions (
  predecessor VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  successor VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_us BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  event MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;
