-- What visitors often ask, answered once. site: for whose visitors; without one, for those of all sites.
CREATE TABLE article (
    id         INTEGER PRIMARY KEY,
    site       INTEGER REFERENCES site (id),
    published  INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- What an article says in each of its languages, under their tags as they are compared.
CREATE TABLE article_text (
    article  INTEGER NOT NULL REFERENCES article (id),
    language TEXT NOT NULL,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (article, language)
) STRICT, WITHOUT ROWID;

-- The words of an article in all its languages; rows have the ids of articles.
CREATE VIRTUAL TABLE article_words USING fts5(
    title, body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);

-- The article that a reply brought along, as it was then. It outlives the article, as what was said does.
CREATE TABLE message_article (
    message  INTEGER PRIMARY KEY REFERENCES message (id),
    article  INTEGER NOT NULL,
    title    TEXT NOT NULL,
    summary  TEXT NOT NULL,
    language TEXT NOT NULL
) STRICT;
