-- Conversations that are put off, and labels. Without the new fields, what agents have kept reads the same, so cursors stay good.

ALTER TABLE conversation ADD COLUMN snoozed_until INTEGER;  -- the desk opens it then
CREATE INDEX conversation_snoozed ON conversation (snoozed_until) WHERE snoozed_until IS NOT NULL;

-- What the team calls a conversation. `key` is what two spellings of one label have in common.
CREATE TABLE conversation_label (
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    key          TEXT NOT NULL,
    label        TEXT NOT NULL,
    PRIMARY KEY (conversation, key)
) STRICT, WITHOUT ROWID;
