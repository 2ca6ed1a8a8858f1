-- The newest messages have an index of words of their own, and the search reads what its filters need from indexes that
-- hold just that.

CREATE VIRTUAL TABLE recent_words USING fts5(
    words, facets, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
-- Which messages stand in which index, by their ids: all below `alone` in message_words, all from `first` on in
-- recent_words.
CREATE TABLE recent (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    first INTEGER NOT NULL,
    alone INTEGER NOT NULL CHECK (alone >= first)
) STRICT;
INSERT INTO recent (one, first, alone) VALUES (1, 9223372036854775807, 9223372036854775807);

CREATE INDEX message_facts ON message (id, conversation, by_visitor, at);
CREATE INDEX conversation_facts ON conversation (id, state, assignee, contact, visitor);

-- A leaf of an index of words fits on a page: the default of 4050 bytes does not where encryption keeps 80 bytes of each.
INSERT INTO message_words (message_words, rank) VALUES ('pgsz', 3960);
INSERT INTO recent_words (recent_words, rank) VALUES ('pgsz', 3960);
INSERT INTO person_words (person_words, rank) VALUES ('pgsz', 3960);
