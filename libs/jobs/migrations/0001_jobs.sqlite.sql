-- What is to be done, and when. `state`: 0 waits, 1 runs, 2 is parked, 3 runs and was cancelled. `version` changes when the job is
-- scheduled anew, `lease` with each claim: the effect of a run counts only while both are what it began with. `due` is by the service's
-- clock, `lease_end` by the machine's. `checksum` is that of the payload. The lengths are those of the MySQL columns.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 63),
  job_key TEXT NOT NULL CHECK (length(job_key) BETWEEN 1 AND 500),
  tenant TEXT NOT NULL CHECK (length(tenant) <= 200),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  error TEXT NOT NULL CHECK (length(error) <= 1000),
  version INTEGER NOT NULL,
  holder TEXT NOT NULL CHECK (length(holder) <= 300),
  lease INTEGER NOT NULL,
  lease_end INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  payload BLOB NOT NULL CHECK (length(payload) <= 1048576),
  UNIQUE (kind, job_key)
) STRICT;
CREATE INDEX jobs_to_do ON jobs (state, kind, due);
CREATE INDEX jobs_by_due ON jobs (due);
CREATE INDEX jobs_by_tenant ON jobs (tenant, due);
