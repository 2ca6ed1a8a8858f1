-- Files of drafts and of messages that are not done, copied as soon as they are chosen: the original may go.
CREATE TABLE file (
    position     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name         TEXT    NOT NULL UNIQUE, -- its permanent name at the desk
    conversation INTEGER NOT NULL,
    message      TEXT,                    -- the command that takes it along; without one, it belongs to the draft
    title        TEXT    NOT NULL,        -- what the person calls it
    size         INTEGER NOT NULL,        -- in bytes
    sha256       TEXT    NOT NULL,        -- in hexadecimal digits
    attachment   TEXT,                    -- what the desk made of it, as JSON
    refusal      TEXT                     -- refused for good, with this code
) STRICT;
CREATE INDEX file_of_message ON file (message, position);
CREATE INDEX file_of_draft ON file (conversation, position) WHERE message IS NULL;

-- Their bytes. A file without any is one that the desk has.
CREATE TABLE file_piece (
    file   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    bytes  BLOB    NOT NULL,
    PRIMARY KEY (file, number)
) STRICT;

-- What an earlier version had brought to the desk, and not sent yet.
INSERT INTO file (name, conversation, message, title, size, sha256, attachment)
    SELECT lower(hex(randomblob(16))), outbox.conversation, outbox.client_id, json_extract(entry.value, '$.name'),
        json_extract(entry.value, '$.size'), '', entry.value
    FROM outbox, json_each(outbox.attachments) AS entry
    WHERE outbox.acked_seq IS NULL AND outbox.conversation IS NOT NULL
    ORDER BY outbox.position, entry.key;
