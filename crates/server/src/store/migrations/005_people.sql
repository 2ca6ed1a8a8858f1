-- Roles with more steps, teams, and who may see the customers of which site. Nothing is ever deleted from `agent` and
-- `team`: messages and conversations name them.
-- Roles: 0 agent, 1 admin, 2 owner, 3 supervisor, 4 light.
ALTER TABLE agent ADD COLUMN customer_facing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE agent ADD COLUMN across_sites INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
-- Whoever was the first to change the desk owns it.
UPDATE agent SET role = 2 WHERE id = (SELECT min(id) FROM agent WHERE role = 1);

CREATE TABLE team (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE team_member (
    team  INTEGER NOT NULL REFERENCES team (id),
    agent INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (team, agent)
) STRICT, WITHOUT ROWID;

ALTER TABLE site ADD COLUMN members_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE site ADD COLUMN active INTEGER NOT NULL DEFAULT 1;

CREATE TABLE site_agent (
    site  INTEGER NOT NULL REFERENCES site (id),
    agent INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (site, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_team (
    site INTEGER NOT NULL REFERENCES site (id),
    team INTEGER NOT NULL REFERENCES team (id),
    PRIMARY KEY (site, team)
) STRICT, WITHOUT ROWID;

-- What roles, flags, teams and memberships come to: which agent may see the customers of which site. Kept by the
-- transaction that changes any of them.
CREATE TABLE sees (
    agent INTEGER NOT NULL REFERENCES agent (id),
    site  INTEGER NOT NULL REFERENCES site (id),
    PRIMARY KEY (agent, site)
) STRICT, WITHOUT ROWID;

CREATE INDEX visitor_site ON visitor (site);
ALTER TABLE conversation ADD COLUMN team INTEGER REFERENCES team (id);

-- Who changed what of the desk itself. Nothing is ever changed or deleted here. `actor` is empty for the command line.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      INTEGER REFERENCES agent (id),
    actor_name TEXT NOT NULL,
    address    TEXT NOT NULL,
    action     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    object     INTEGER,
    detail     TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'append only'); END;

-- The site whose members may see a row of the log; empty for what every agent sees. `kind` may also be 3, forget, and
-- 4, show, for the one agent of its audience.
ALTER TABLE change ADD COLUMN site INTEGER;
UPDATE change SET site = CASE entity
    WHEN 2 THEN id
    WHEN 3 THEN coalesce((SELECT site FROM visitor WHERE contact = change.id ORDER BY id LIMIT 1), 0)
    WHEN 4 THEN coalesce((SELECT site FROM visitor WHERE visitor.id = change.id), 0)
    WHEN 5 THEN coalesce((SELECT site FROM conversation WHERE conversation.id = change.id), 0)
    WHEN 6 THEN coalesce((SELECT conversation.site FROM message JOIN conversation
        ON conversation.id = message.conversation WHERE message.id = change.id), 0)
    WHEN 8 THEN coalesce((SELECT site FROM conversation WHERE conversation.id = change.id), 0)
    END
WHERE entity IN (2, 3, 4, 5, 6, 8);
UPDATE desk SET shape_seq = seq;
