-- Two pieces of an index of words are enough to make one of them while nobody waits: a search reads each piece.

INSERT INTO message_words (message_words, rank) VALUES ('usermerge', 2);
INSERT INTO recent_words (recent_words, rank) VALUES ('usermerge', 2);
INSERT INTO person_words (person_words, rank) VALUES ('usermerge', 2);
