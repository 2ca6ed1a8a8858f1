-- Whom notes mention, and what I follow: both are mine to look after.
ALTER TABLE message ADD COLUMN to_me INTEGER NOT NULL DEFAULT 0;         -- a note that mentions whose cache it is
CREATE INDEX message_to_me ON message (conversation, number) WHERE to_me = 1;
ALTER TABLE conversation ADD COLUMN followed INTEGER NOT NULL DEFAULT 0; -- effective
CREATE INDEX conversation_followed ON conversation (active_at DESC, id DESC) WHERE state = 'open' AND followed = 1;
