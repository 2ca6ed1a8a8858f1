-- Prepared texts of teams and of single agents beside the desk's own, and how often each was inserted.
-- Owners: 0 the desk, 1 a team, 2 an agent.
CREATE TABLE canned_text_of (
    id         INTEGER PRIMARY KEY,
    owner_kind INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    shortcut   TEXT NOT NULL,
    title      TEXT NOT NULL,
    text       TEXT NOT NULL,
    uses       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner_kind, owner, shortcut)
) STRICT;
-- Placeholders say whose they are.
INSERT INTO canned_text_of (id, owner_kind, owner, shortcut, title, text)
    SELECT id, 0, 0, shortcut, title,
        replace(replace(replace(text, '{name}', '{visitor.name}'), '{email}', '{visitor.email}'), '{agent}', '{agent.name}')
    FROM canned_text;
DROP TABLE canned_text;
ALTER TABLE canned_text_of RENAME TO canned_text;
UPDATE desk SET shape_seq = seq;
