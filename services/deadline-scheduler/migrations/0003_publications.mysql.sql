-- When a response was first published; NULL while its deadline waits for that. The two feeds come independently: whichever is first
-- inserts the row and the other finds it, so this key is where they meet.
CREATE TABLE publications (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  published_time BIGINT NULL,
  PRIMARY KEY (body, inspection)
) ENGINE = InnoDB;
