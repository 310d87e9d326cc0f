-- The bytes of every edition ever published, as readers get them; the page of the newest edition is the one that is read. `format` is
-- GetRenditionRequest.Format, `content` a serialised google.protobuf.BytesValue,
-- `bytes` how many those are.
CREATE TABLE renditions (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  format INTEGER NOT NULL,
  edition INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection, format, edition)
) STRICT;
