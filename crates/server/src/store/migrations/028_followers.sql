-- Who follows a conversation with a visitor, though others may answer.
CREATE TABLE follower (
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    agent        INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (conversation, agent)
) STRICT, WITHOUT ROWID;

-- Whom a note mentions.
CREATE TABLE mention (
    message INTEGER NOT NULL REFERENCES message (id),
    agent   INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (message, agent)
) STRICT, WITHOUT ROWID;
