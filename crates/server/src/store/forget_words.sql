-- Of an index, deleted words would otherwise stay readable in the file until parts of it are merged.
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
INSERT INTO contact_words (contact_words) VALUES ('optimize');
INSERT INTO page_words (page_words) VALUES ('optimize');
