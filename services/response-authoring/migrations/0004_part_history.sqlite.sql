-- Every change of a part of a response, for ever: rows are added behind the others. Only an autosave takes the
-- place of the last row, when that holds an autosave of the same person and part begun (`begun_us`, else 0) within ten minutes. They are found from the response,
-- whose column `history` names the last, and each names its `previous` (0: it is the first): an index of them would cost each change
-- another page. `part` is "comments", "answers/recommendation-5", "contributions/contribution-1", "state"; `revision` the number
-- of the save as people count them, `version` the version of the
-- response that the change made; `content` a serialised section55.authoring.v1.Response that holds only the part as it then was (empty:
-- it was removed).
CREATE TABLE part_history (
  id INTEGER NOT NULL PRIMARY KEY,
  previous INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (length(body) <= 63),
  inspection TEXT NOT NULL CHECK (length(inspection) <= 63),
  part TEXT NOT NULL CHECK (length(part) <= 80),
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  actor TEXT NOT NULL CHECK (length(actor) <= 300),
  time_us INTEGER NOT NULL,
  begun_us INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  content BLOB NOT NULL CHECK (length(content) <= 16777215)
) STRICT;
