-- Each report once for each revision, however many bodies answer it. `content` is a serialised section55.authoring.v1.Response that holds
-- only `report`; `facts` is the same without the findings. Appended to a stored response they make it whole.
CREATE TABLE reports (
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision BIGINT NOT NULL,
  version BIGINT NOT NULL,
  facts_checksum BIGINT NOT NULL,
  facts BLOB NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (inspection, revision)
) ENGINE = InnoDB;
