-- What was approved for publication, edition by edition. `content` is the serialised section55.authoring.v1.Response without its report,
-- `report` which wording of it belongs to it, `approval_event` the id of the event that told of it; `refused` is 1 when it could not be
-- published and went back to the office.
CREATE TABLE approvals (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  edition INTEGER NOT NULL,
  report TEXT NOT NULL CHECK (length(report) <= 64),
  approval_event TEXT NOT NULL CHECK (length(approval_event) <= 36),
  refused INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection, edition)
) STRICT;
