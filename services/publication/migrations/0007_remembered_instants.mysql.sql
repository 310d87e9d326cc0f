-- When editions were published whose records were lost with the database, as the other services remember it: they are published again
-- with that instant. Edition 0 stands for the first edition's, known from somebody who counts no editions.
CREATE TABLE remembered_instants (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edition BIGINT NOT NULL CHECK (edition >= 0),
  published_time BIGINT NOT NULL,
  PRIMARY KEY (body, inspection, edition)
) ENGINE = InnoDB;
