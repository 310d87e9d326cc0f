-- The full-text index of findings (libs/search).
CREATE TABLE finding_words (
  position BIGINT NOT NULL PRIMARY KEY,
  words MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  FULLTEXT KEY finding_words_by_word (words)
) ENGINE = InnoDB;
