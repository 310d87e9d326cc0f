-- What a restored service lacked and was given back, or what somebody has to look at (`is_open`).
CREATE TABLE recovery_findings (
  subject VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(subject) >= 1),
  follower VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(follower) >= 1),
  is_open INT NOT NULL CHECK (is_open BETWEEN 0 AND 1),
  time BIGINT NOT NULL,
  finding VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (subject, follower),
  KEY recovery_findings_by_open (is_open, subject, follower)
) ENGINE = InnoDB;
