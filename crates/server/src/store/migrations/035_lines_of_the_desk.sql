-- What the desk itself says of a conversation, which tells from where somebody waits in it.
CREATE INDEX message_by_desk ON message (conversation, number) WHERE kind IN (2, 3);
