-- What published reports, and their findings, say of others: one row for each relation; a finding is empty where the report is meant.
-- `kind` is of section55.registry.v1.FindingRelation between findings, else of Relation. Read in both directions.
CREATE TABLE relations (
  from_inspection TEXT NOT NULL CHECK (length(from_inspection) <= 63),
  from_finding TEXT NOT NULL CHECK (length(from_finding) <= 63),
  kind INTEGER NOT NULL,
  to_inspection TEXT NOT NULL CHECK (length(to_inspection) <= 63),
  to_finding TEXT NOT NULL CHECK (length(to_finding) <= 63),
  PRIMARY KEY (from_inspection, from_finding, kind, to_inspection, to_finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX relations_back ON relations (to_inspection, to_finding, from_inspection, from_finding, kind);
