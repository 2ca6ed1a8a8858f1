-- Scripts by which the desk talks to visitors. start: 0 by agents alone, 1 with a first message.
-- desk_is: 0 only while online, 1 only while offline, NULL always. steps: a JSON list.
CREATE TABLE flow (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    site       INTEGER REFERENCES site (id),
    active     INTEGER NOT NULL,
    start      INTEGER NOT NULL,
    desk_is    INTEGER,
    patience_s INTEGER NOT NULL,
    steps      TEXT NOT NULL
) STRICT;

-- Where one talks: it waits until ends_at for the answer to the message `asked`. The steps are those it began with,
-- whatever became of the flow.
CREATE TABLE flow_run (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
    flow         INTEGER NOT NULL,
    steps        TEXT NOT NULL,
    patience_s   INTEGER NOT NULL,
    step         INTEGER NOT NULL,  -- which of the steps, from 0 on
    asked        INTEGER NOT NULL,  -- the number of the message
    asked_again  INTEGER NOT NULL,  -- how often
    ends_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX flow_run_due ON flow_run (ends_at);

-- What a message of the desk offers as answers: a JSON list.
CREATE TABLE message_choices (
    message INTEGER PRIMARY KEY REFERENCES message (id),
    choices TEXT NOT NULL
) STRICT;
