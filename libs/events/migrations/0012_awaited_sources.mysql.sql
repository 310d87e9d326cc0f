-- Whose feed has not been followed to its end since the database was restored.
CREATE TABLE awaited_sources (
  source VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(source) >= 1)
) ENGINE = InnoDB;
