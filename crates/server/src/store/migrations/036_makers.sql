-- Who has made a link to a new password; empty: the command line. Of the links that are there nobody knows it.
DELETE FROM password_link;
ALTER TABLE password_link ADD COLUMN made_by INTEGER REFERENCES agent (id);

-- Open conversations in which a visitor waits and that are nobody's, with all that tells who could be given them.
DROP INDEX conversation_waiting;
CREATE INDEX conversation_waiting ON conversation (waiting_since, site, team, assignee, state)
    WHERE waiting_since IS NOT NULL AND assignee IS NULL AND state = 0;
