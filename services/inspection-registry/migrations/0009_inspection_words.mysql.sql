-- The full-text index of inspections (libs/search).
CREATE TABLE inspection_words (
  position BIGINT NOT NULL PRIMARY KEY,
  words MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  FULLTEXT KEY inspection_words_by_word (words)
) ENGINE = InnoDB;
