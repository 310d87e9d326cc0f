-- Where copies are sent. `body` is empty for a recipient of every body's copies, `valid_to` 9999-12-31 until further notice;
-- `content` is the serialised Recipient.
CREATE TABLE recipients (
  recipient VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  valid_from VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(valid_from) = 10),
  valid_to VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(valid_to) = 10),
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL,
  KEY recipients_of_body (body, recipient)
) ENGINE = InnoDB;
