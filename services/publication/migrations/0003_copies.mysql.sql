-- The copies owed of each edition. `kind` is Copy.RecipientKind, `content` the serialised Copy.
CREATE TABLE copies (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  edition BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  copy_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  PRIMARY KEY (body, inspection, edition, kind, copy_id)
) ENGINE = InnoDB;
