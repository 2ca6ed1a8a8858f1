-- Open conversations in which a visitor waits and that are nobody's, with all that tells who could be given them.
DROP INDEX conversation_waiting;
CREATE INDEX conversation_waiting ON conversation (waiting_since, site, team, assignee, state)
    WHERE waiting_since IS NOT NULL AND assignee IS NULL AND state = 0;
