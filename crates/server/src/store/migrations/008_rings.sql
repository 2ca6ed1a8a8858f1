-- Conversations in which a visitor waits and that are nobody's.
CREATE INDEX conversation_waiting ON conversation (waiting_since) WHERE waiting_since IS NOT NULL AND assignee IS NULL;
