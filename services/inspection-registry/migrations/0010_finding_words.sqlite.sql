-- The full-text index of findings (libs/search); the rowid is the place.
CREATE VIRTUAL TABLE finding_words USING fts5(words, tokenize = 'ascii', columnsize = 0, prefix = '3 4 5 6 7');
