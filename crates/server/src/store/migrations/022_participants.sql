-- Conversations among colleagues have no person, no browser and no site. To take a constraint away changes no row, so the
-- table's text is all that is written anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    'contact       INTEGER NOT NULL REFERENCES', 'contact       INTEGER REFERENCES'),
    'visitor       INTEGER NOT NULL REFERENCES', 'visitor       INTEGER REFERENCES'),
    'site          INTEGER NOT NULL REFERENCES', 'site          INTEGER REFERENCES')
    WHERE type = 'table' AND name = 'conversation';
PRAGMA writable_schema = RESET;
-- What a group is called. Empty: a direct conversation, or one with a visitor.
ALTER TABLE conversation ADD COLUMN title TEXT NOT NULL DEFAULT '';

-- Who takes part in a conversation, and who did: a row for each time, with who added them and who took them out.
CREATE TABLE participant (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    agent        INTEGER NOT NULL REFERENCES agent (id),
    added_at     INTEGER NOT NULL,
    added_by     INTEGER NOT NULL REFERENCES agent (id),
    left_at      INTEGER,  -- empty: they take part
    left_by      INTEGER REFERENCES agent (id)
) STRICT;
CREATE UNIQUE INDEX participant_now ON participant (conversation, agent) WHERE left_at IS NULL;
CREATE INDEX participant_of_agent ON participant (agent, conversation) WHERE left_at IS NULL;
CREATE INDEX participant_of_conversation ON participant (conversation, id);

-- Two colleagues have one direct conversation. `low` has the smaller id.
CREATE TABLE direct (
    low          INTEGER NOT NULL REFERENCES agent (id),
    high         INTEGER NOT NULL REFERENCES agent (id),
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    PRIMARY KEY (low, high)
) STRICT, WITHOUT ROWID;
