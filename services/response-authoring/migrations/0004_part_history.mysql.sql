-- Every change of a part of a response, for ever: rows are added behind the others. Only an autosave takes the
-- place of the last row, when that holds an autosave of the same person and part begun (`begun_us`, else 0) within ten minutes. They are found from the response,
-- whose column `history` names the last, and each names its `previous` (0: it is the first): an index of them would cost each change
-- another page. `part` is "comments", "answers/recommendation-5", "contributions/contribution-1", "state"; `revision` the number
-- of the save as people count them, `version` the version of the
-- response that the change made; `content` a serialised section55.authoring.v1.Response that holds only the part as it then was (empty:
-- it was removed).
CREATE TABLE part_history (
  id BIGINT NOT NULL PRIMARY KEY,
  previous BIGINT NOT NULL,
  body VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  inspection VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  part VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision BIGINT NOT NULL,
  version BIGINT NOT NULL,
  actor VARCHAR(300) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  time_us BIGINT NOT NULL,
  begun_us BIGINT NOT NULL,
  checksum BIGINT NOT NULL,
  content MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;
