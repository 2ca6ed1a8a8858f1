-- Conversations that are put off. Without the new fields, what agents have kept reads the same, so cursors stay good.

ALTER TABLE conversation ADD COLUMN snoozed_until INTEGER;  -- the desk opens it then
CREATE INDEX conversation_snoozed ON conversation (snoozed_until) WHERE snoozed_until IS NOT NULL;
