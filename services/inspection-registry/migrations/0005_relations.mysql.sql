-- What published reports, and their findings, say of others: one row for each relation; a finding is empty where the report is meant.
-- `kind` is of section55.registry.v1.FindingRelation between findings, else of Relation. Read in both directions.
CREATE TABLE relations (
  from_inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_finding VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind BIGINT NOT NULL,
  to_inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  to_finding VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (from_inspection, from_finding, kind, to_inspection, to_finding),
  KEY relations_back (to_inspection, to_finding, from_inspection, from_finding, kind)
) ENGINE = InnoDB;
