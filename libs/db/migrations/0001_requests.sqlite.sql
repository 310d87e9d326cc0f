-- Answers given to requests that carry a request_id (libs/db/idempotency.h).
CREATE TABLE requests (
  caller TEXT NOT NULL CHECK (length(CAST(caller AS BLOB)) <= 300),
  method TEXT NOT NULL CHECK (length(CAST(method AS BLOB)) <= 255),
  request_id TEXT NOT NULL CHECK (length(CAST(request_id AS BLOB)) <= 128),
  request_sha256 TEXT NOT NULL CHECK (length(request_sha256) <= 64),
  created_us INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  response BLOB NOT NULL,
  PRIMARY KEY (caller, method, request_id)
) STRICT;

CREATE INDEX requests_by_age ON requests (created_us);
