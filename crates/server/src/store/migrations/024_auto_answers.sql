-- What the desk answers by itself. kind: 0 to the first message, 1 while offline, 2 unanswered for after_s seconds.
-- texts: a JSON object of languages.
CREATE TABLE auto_answer (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL,
    after_s INTEGER NOT NULL,
    site    INTEGER REFERENCES site (id),
    active  INTEGER NOT NULL,
    texts   TEXT NOT NULL
) STRICT;

-- Where a rule waits until due_at, or, without that, has spoken.
CREATE TABLE auto_answered (
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    rule         INTEGER NOT NULL REFERENCES auto_answer (id),
    due_at       INTEGER,
    PRIMARY KEY (conversation, rule)
) STRICT, WITHOUT ROWID;
CREATE INDEX auto_answered_due ON auto_answered (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX auto_answered_of_rule ON auto_answered (rule);
