-- Each report once for each revision, however many bodies answer it. `content` is a serialised section55.authoring.v1.Response that holds
-- only `report`; `facts` is the same without the findings. Appended to a stored response they make it whole.
CREATE TABLE reports (
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  facts_checksum INTEGER NOT NULL,
  facts BLOB NOT NULL CHECK (length(facts) <= 65535),
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (inspection, revision)
) STRICT;
