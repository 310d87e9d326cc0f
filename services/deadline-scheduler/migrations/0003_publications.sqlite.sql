-- When a response was first published; NULL while its deadline waits for that. The two feeds come independently: whichever is first
-- inserts the row and the other finds it, so this key is where they meet.
CREATE TABLE publications (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  published_time INTEGER NULL,
  PRIMARY KEY (body, inspection)
) STRICT, WITHOUT ROWID;
