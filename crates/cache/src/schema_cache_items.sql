-- What projects, tickets and tasks are about: a conversation is about one at most.
CREATE TABLE item_conversation (
    conversation INTEGER NOT NULL PRIMARY KEY,
    item         INTEGER NOT NULL
) STRICT;
CREATE INDEX item_conversation_of_item ON item_conversation (item);
CREATE INDEX item_of_contact ON entity (json_extract(data, '$.contact')) WHERE kind = 'item';
