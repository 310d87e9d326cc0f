-- Which force each body holds to account, as the registry's events say: who of a force may see which deadline.
CREATE TABLE bodies (
  body TEXT NOT NULL PRIMARY KEY CHECK (length(body) <= 63),
  force_id TEXT NOT NULL CHECK (length(force_id) <= 63)
) STRICT, WITHOUT ROWID;
CREATE INDEX bodies_by_force ON bodies (force_id);
