-- Conversations that the desk gives to agents by itself.
-- Rules: 0 none, 1 whoever has the fewest, 2 in turn. The desk's own holds for conversations of no team.
ALTER TABLE settings ADD COLUMN assign_rule     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN assign_capacity INTEGER NOT NULL DEFAULT 5;
ALTER TABLE settings ADD COLUMN assign_back_s   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE team ADD COLUMN assign_rule     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE team ADD COLUMN assign_capacity INTEGER NOT NULL DEFAULT 5;
ALTER TABLE team ADD COLUMN assign_back_s   INTEGER NOT NULL DEFAULT 0;
-- Wants no conversations to be given to them.
ALTER TABLE agent ADD COLUMN away INTEGER NOT NULL DEFAULT 0;
-- Grows with each conversation that is given: whoever has the smallest is the next in turn.
ALTER TABLE agent ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;

-- To whom the desk last gave a conversation, and when it takes it back if nobody has answered by then.
CREATE TABLE given (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
    agent        INTEGER NOT NULL REFERENCES agent (id),
    since        INTEGER NOT NULL,  -- since when its visitor waited
    back_at      INTEGER
) STRICT;
CREATE INDEX given_back ON given (back_at) WHERE back_at IS NOT NULL;

-- Who had a conversation whose visitor has waited since then, and has it no more: they are not given it again.
CREATE TABLE let_go (
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    agent        INTEGER NOT NULL REFERENCES agent (id),
    since        INTEGER NOT NULL,
    PRIMARY KEY (conversation, agent)
) STRICT, WITHOUT ROWID;

-- How many conversations somebody has.
CREATE INDEX conversation_assigned ON conversation (assignee) WHERE assignee IS NOT NULL AND state = 0;
