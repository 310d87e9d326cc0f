-- Where copies are sent. `body` is empty for a recipient of every body's copies, `valid_to` 9999-12-31 until further notice;
-- `content` is the serialised Recipient.
CREATE TABLE recipients (
  recipient TEXT NOT NULL CHECK (length(recipient) <= 63) PRIMARY KEY,
  body TEXT NOT NULL CHECK (length(body) <= 63),
  valid_from TEXT NOT NULL CHECK (length(valid_from) = 10),
  valid_to TEXT NOT NULL CHECK (length(valid_to) = 10),
  version INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215)
) STRICT;
CREATE INDEX recipients_of_body ON recipients (body, recipient);
