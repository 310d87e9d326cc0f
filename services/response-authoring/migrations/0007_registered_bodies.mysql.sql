-- Each body with its force, all that the registry told of them: what the registry is given back when it has forgotten it. `content` is a
-- serialised section55.registry.v1.BodyRegistered.
CREATE TABLE registered_bodies (
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content BLOB NOT NULL
) ENGINE = InnoDB;
