-- Messages that were edited or deleted, and what they said before. Without the new fields, what is kept elsewhere reads
-- the same, so cursors stay good.

ALTER TABLE message ADD COLUMN edited_at INTEGER;
ALTER TABLE message ADD COLUMN deleted_at INTEGER;
CREATE TABLE message_version (
    message     INTEGER NOT NULL REFERENCES message (id),
    version     INTEGER NOT NULL,  -- from 1, the oldest
    text        TEXT NOT NULL,
    written_at  INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    replaced_by INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (message, version)
) STRICT, WITHOUT ROWID;

-- Random names of files whose rows are gone and whose bytes are still to be removed.
CREATE TABLE removed_file (
    file TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What a message said before goes from the index at once, and not only when parts of the index are merged.
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
