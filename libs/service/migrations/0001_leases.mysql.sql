-- Which replica runs a loop that one of them should run. `version` rises whenever the holder shows that it is alive; `expires_us` is for
-- people who look: replicas go by their own clocks.
CREATE TABLE leases (
  name VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY CHECK (LENGTH(name) >= 1),
  holder VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version BIGINT NOT NULL,
  expires_us BIGINT NOT NULL
) ENGINE = InnoDB;
