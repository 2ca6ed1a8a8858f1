-- What exists nowhere else: commands not yet done, unsent texts, and what this computer was told to remember.

-- Commands, oldest first.
CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    client_id    TEXT    NOT NULL UNIQUE,
    conversation INTEGER,
    frame        TEXT    NOT NULL,              -- the cmd frame as JSON
    attachments  TEXT    NOT NULL DEFAULT '[]', -- of a message, as JSON, to be shown until it comes back
    queued_at    INTEGER NOT NULL,
    acked_seq    INTEGER,                       -- durably done by this change
    refusal      TEXT                           -- refused for good, with this code
) STRICT;
CREATE INDEX outbox_of_conversation ON outbox (conversation, position);

-- Unsent texts.
CREATE TABLE draft (
    conversation INTEGER NOT NULL PRIMARY KEY,
    reply        TEXT    NOT NULL,
    note         TEXT    NOT NULL
) STRICT;

-- Anything else of one account, e.g. its chat boxes.
CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
