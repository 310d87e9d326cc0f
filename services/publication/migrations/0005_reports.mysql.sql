-- The reports that were answered, each wording once: `report` is the SHA-256 of `content`, the serialised
-- section55.registry.v1.Inspection as response-authoring sent it.
CREATE TABLE reports (
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (inspection, report)
) ENGINE = InnoDB;
