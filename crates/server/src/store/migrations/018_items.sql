-- Projects, tickets and tasks. Kinds: 0 project, 1 ticket, 2 task. States: 0 open, 1 in progress, 2 closed.
-- A person who is erased takes along the items that are about them.
CREATE TABLE item (
    id          INTEGER PRIMARY KEY,
    number      INTEGER NOT NULL UNIQUE,
    kind        INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    assignee    INTEGER,
    project     INTEGER,
    site        INTEGER,
    contact     INTEGER REFERENCES contact (id),
    created_by  INTEGER,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    rev         INTEGER NOT NULL
) STRICT;
-- The last number that was given to an item. Numbers of erased ones are not given again.
ALTER TABLE desk ADD COLUMN item_number INTEGER NOT NULL DEFAULT 0;
CREATE INDEX item_of_contact ON item (contact) WHERE contact IS NOT NULL;
-- Lists show what is to be done, or what was done, newest first.
CREATE INDEX item_by_state ON item (state = 2, id);

CREATE TABLE item_follower (
    item  INTEGER NOT NULL REFERENCES item (id),
    agent INTEGER NOT NULL,
    PRIMARY KEY (item, agent)
) STRICT, WITHOUT ROWID;

-- A conversation is about one item at most.
CREATE TABLE item_conversation (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
    item         INTEGER NOT NULL REFERENCES item (id)
) STRICT;
CREATE INDEX item_conversation_of_item ON item_conversation (item, conversation);
