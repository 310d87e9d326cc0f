-- Whose feed has not been followed to its end since the database was restored.
CREATE TABLE awaited_sources (
  source TEXT NOT NULL PRIMARY KEY CHECK (length(source) BETWEEN 1 AND 63)
) STRICT;
