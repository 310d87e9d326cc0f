-- What each body has published in response to each report: the edition whose instant was recorded last. `content` is the serialised
-- section55.publication.v1.PublicationRecord, `published_time` that edition's instant.
CREATE TABLE publications (
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  edition INTEGER NOT NULL,
  published_time INTEGER NOT NULL,
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215),
  PRIMARY KEY (body, inspection)
) STRICT;
CREATE INDEX publications_by_time ON publications (published_time, body, inspection);
CREATE INDEX publications_of_body ON publications (body, published_time, inspection);
CREATE INDEX publications_of_inspection ON publications (inspection, published_time, body);
