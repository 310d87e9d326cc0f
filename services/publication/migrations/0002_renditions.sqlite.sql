-- The bytes of every edition ever published, as they were published. `format` is GetRenditionRequest.Format.
CREATE TABLE renditions (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  edition INTEGER NOT NULL,
  format INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection, edition, format)
) STRICT;
