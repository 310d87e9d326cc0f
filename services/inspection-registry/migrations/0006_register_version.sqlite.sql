-- One row, once there is a force: how often forces and bodies were changed. Whatever was decided by all of them together is written only
-- while it is the same.
CREATE TABLE register_version (
  id INTEGER NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT;
