-- Notes that mention me and that I have not read are mine to look after, wherever their conversation stands.
ALTER TABLE conversation ADD COLUMN unread_to_me INTEGER NOT NULL DEFAULT 0; -- effective
CREATE INDEX conversation_mentions ON conversation (active_at DESC, id DESC)
    WHERE unread_to_me > 0 AND state IN ('snoozed', 'closed');
UPDATE conversation SET unread_to_me = (SELECT count(*) FROM message INDEXED BY message_to_me
        WHERE conversation = conversation.id AND to_me = 1 AND number > conversation.my_read AND words <> '')
    WHERE state <> 'internal' AND unread > 0;
