-- Which replica runs a loop that one of them should run. `version` rises whenever the holder shows that it is alive; `expires_us` is for
-- people who look: replicas go by their own clocks.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
  holder TEXT NOT NULL CHECK (length(holder) <= 300),
  version INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT;
