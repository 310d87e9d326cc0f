-- Which force each body holds to account, as the registry's events say: who of a force may see which response.
CREATE TABLE bodies (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  KEY bodies_by_force (force_id)
) ENGINE = InnoDB;
