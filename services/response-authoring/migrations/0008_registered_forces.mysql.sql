-- Each force, all that the registry told of it last: what the registry is given back when it has forgotten it. `content` is a serialised
-- section55.registry.v1.ForceChanged.
CREATE TABLE registered_forces (
  force_id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL
) ENGINE = InnoDB;
