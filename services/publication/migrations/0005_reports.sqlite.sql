-- The reports that were answered, each wording once: `report` is the SHA-256 of `content`, the serialised
-- section55.registry.v1.Inspection as response-authoring sent it.
CREATE TABLE reports (
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  report TEXT NOT NULL CHECK (length(report) <= 64),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (inspection, report)
) STRICT;
