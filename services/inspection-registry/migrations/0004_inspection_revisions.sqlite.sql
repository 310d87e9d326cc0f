-- One row for each step in the life of a published report. `content` is the serialised section55.registry.v1.InspectionRevision, with the
-- report as it then was; `checksum` is that of its bytes. Rows are added and never changed.
CREATE TABLE inspection_revisions (
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (inspection, revision)
) STRICT;
