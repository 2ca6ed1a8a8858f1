-- Conversations that are put off.
ALTER TABLE conversation ADD COLUMN snoozed_until INTEGER;  -- effective
