-- What is to be done, and when. `state`: 0 waits, 1 runs, 2 is parked, 3 runs and was cancelled. `version` changes when the job is
-- scheduled anew, `lease` with each claim: the effect of a run counts only while both are what it began with. `due` is by the service's
-- clock, `lease_end` by the machine's. `checksum` is that of the payload.
CREATE TABLE jobs (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(kind) >= 1),
  job_key VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL CHECK (LENGTH(job_key) >= 1),
  tenant VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state INT NOT NULL CHECK (state BETWEEN 0 AND 3),
  due BIGINT NOT NULL,
  attempts INT NOT NULL CHECK (attempts >= 0),
  error VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version BIGINT NOT NULL,
  holder VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  lease BIGINT NOT NULL,
  lease_end BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  payload MEDIUMBLOB NOT NULL CHECK (LENGTH(payload) <= 1048576),
  UNIQUE KEY jobs_by_key (kind, job_key),
  KEY jobs_to_do (state, kind, due),
  KEY jobs_by_due (due),
  KEY jobs_by_tenant (tenant, due)
) ENGINE = InnoDB;
