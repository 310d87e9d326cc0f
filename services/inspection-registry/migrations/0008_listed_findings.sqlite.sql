-- One row for each finding, below the place of its report. `content` is the serialised section55.registry.v1.Finding as ListFindings shows
-- it; `checksum` is that of its bytes; `digest` is of that and of the words and facets it is found by.
CREATE TABLE listed_findings (
  place INTEGER NOT NULL PRIMARY KEY,
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  digest INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215)
) STRICT;
CREATE INDEX listed_findings_by_inspection ON listed_findings (inspection, place, digest);
