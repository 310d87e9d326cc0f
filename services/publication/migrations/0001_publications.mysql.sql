-- What each body has published in response to each report: the edition whose instant was recorded last. `content` is the serialised
-- section55.publication.v1.PublicationRecord, `published_time` that edition's instant.
CREATE TABLE publications (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edition BIGINT NOT NULL,
  published_time BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection),
  KEY publications_by_time (published_time, body, inspection),
  KEY publications_of_body (body, published_time, inspection),
  KEY publications_of_inspection (inspection, published_time, body)
) ENGINE = InnoDB;
