-- What agents search: the text of messages with the names of their files, and what else can be asked of a message; the
-- names of people and agents; the pages people saw. Rows have the ids of what they stand for. The server words all that
-- is here already when it takes this step.

CREATE VIRTUAL TABLE message_words USING fts5(
    words, facets, tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
CREATE VIRTUAL TABLE contact_words USING fts5(
    name, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE agent_words USING fts5(
    name, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE page_words USING fts5(
    pages, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
