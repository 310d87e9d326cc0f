-- What a restored service lacked and was given back, or what somebody has to look at (`is_open`).
CREATE TABLE recovery_findings (
  subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 500),
  follower TEXT NOT NULL CHECK (length(follower) BETWEEN 1 AND 100),
  is_open INTEGER NOT NULL CHECK (is_open BETWEEN 0 AND 1),
  time INTEGER NOT NULL,
  finding TEXT NOT NULL CHECK (length(finding) <= 1000),
  PRIMARY KEY (subject, follower)
) STRICT;
CREATE INDEX recovery_findings_by_open ON recovery_findings (is_open, subject, follower);
