-- Words of people's names and of pages leave their index at once, as those of messages do. Where an index does not keep
-- what it was given, its deleted words stay in the file until all of it is written anew. The server fills both again when
-- it takes this step.
DROP TABLE contact_words;
DROP TABLE page_words;
CREATE VIRTUAL TABLE contact_words USING fts5(name, tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE page_words USING fts5(pages, tokenize='unicode61 remove_diacritics 2');
INSERT INTO contact_words (contact_words, rank) VALUES ('secure-delete', 1);
INSERT INTO page_words (page_words, rank) VALUES ('secure-delete', 1);
