-- One row for each inspection report: its place in the order of all, the latest publication date highest.
CREATE TABLE listed_inspections (
  place BIGINT NOT NULL PRIMARY KEY,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state BIGINT NOT NULL,
  UNIQUE KEY listed_inspections_by_inspection (inspection)
) ENGINE = InnoDB;
