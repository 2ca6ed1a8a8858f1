-- Conversations among the team stand in no folder of customers: their effective state is 'internal'.
CREATE INDEX conversation_unread_internal ON conversation (id) WHERE unread > 0 AND state = 'internal';
