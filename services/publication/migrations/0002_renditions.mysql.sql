-- The bytes of every edition ever published, as readers get them; the page of the newest edition is the one that is read. `format` is
-- GetRenditionRequest.Format, `content` a serialised google.protobuf.BytesValue,
-- `bytes` how many those are.
CREATE TABLE renditions (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  format BIGINT NOT NULL,
  edition BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection, format, edition)
) ENGINE = InnoDB;
