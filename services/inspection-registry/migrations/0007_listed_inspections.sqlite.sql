-- One row for each inspection report: its place in the order of all, the latest publication date highest.
CREATE TABLE listed_inspections (
  place INTEGER NOT NULL PRIMARY KEY,
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  state INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX listed_inspections_by_inspection ON listed_inspections (inspection);
