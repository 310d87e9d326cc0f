-- The bytes of every edition ever published, as they were published. `format` is GetRenditionRequest.Format.
CREATE TABLE renditions (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edition BIGINT NOT NULL,
  format BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection, edition, format)
) ENGINE = InnoDB;
