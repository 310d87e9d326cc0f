-- Each time that this database was restored from a backup. Times in microseconds.
CREATE TABLE recoveries (
  restore_time INTEGER NOT NULL PRIMARY KEY,
  backup_time INTEGER NOT NULL
) STRICT;
