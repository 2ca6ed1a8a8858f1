-- Conversations that are put off, and labels.
ALTER TABLE conversation ADD COLUMN snoozed_until INTEGER;  -- effective

-- What the team calls a conversation, effective. `key` is what two spellings of one label have in common.
CREATE TABLE conversation_label (
    conversation INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    PRIMARY KEY (conversation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_in_use ON conversation_label (key, label);
