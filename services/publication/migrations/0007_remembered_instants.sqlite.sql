-- When editions were published whose records were lost with the database, as the other services remember it: they are published again
-- with that instant. Edition 0 stands for the first edition's, known from somebody who counts no editions.
CREATE TABLE remembered_instants (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  edition INTEGER NOT NULL CHECK (edition >= 0),
  published_time INTEGER NOT NULL,
  PRIMARY KEY (body, inspection, edition)
) STRICT;
