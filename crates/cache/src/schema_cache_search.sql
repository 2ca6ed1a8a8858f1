-- The search also knows what a message carries and who wrote it, the pages that people saw, and the names of agents.
-- The app words anew what is here already.

ALTER TABLE message ADD COLUMN facets TEXT NOT NULL DEFAULT '';  -- what else can be asked of it, for the search
ALTER TABLE message ADD COLUMN at INTEGER NOT NULL DEFAULT 0;    -- when the server took it
CREATE INDEX message_by_time ON message (at, id);

-- The browsers of a person.
CREATE INDEX visitor_of_contact ON entity (json_extract(data, '$.contact')) WHERE kind = 'visitor';

DROP TABLE message_words;
CREATE VIRTUAL TABLE message_words USING fts5(
    words, facets, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
DROP TABLE person_words;
CREATE VIRTUAL TABLE person_words USING fts5(
    name, email, phone, notes, pages, tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
CREATE VIRTUAL TABLE agent_words USING fts5(
    name, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
