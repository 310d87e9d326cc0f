-- One row for each finding, below the place of its report. `content` is the serialised section55.registry.v1.Finding as ListFindings shows
-- it; `checksum` is that of its bytes; `digest` is of that and of the words and facets it is found by.
CREATE TABLE listed_findings (
  place BIGINT NOT NULL PRIMARY KEY,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  digest BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  KEY listed_findings_by_inspection (inspection, place, digest)
) ENGINE = InnoDB;
