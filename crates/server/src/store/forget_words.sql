-- Of an index, deleted words would otherwise stay readable in the file until parts of it are merged.
INSERT INTO contact_words (contact_words) VALUES ('optimize');
INSERT INTO page_words (page_words) VALUES ('optimize');
