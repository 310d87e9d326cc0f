-- When each replica last proved that the database takes changes, by its own clock.
CREATE TABLE probes (
  replica VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY CHECK (LENGTH(replica) >= 1),
  written_us BIGINT NOT NULL
) ENGINE = InnoDB;
