-- Links that make whoever opens them an agent. Of a link's token the hash alone is kept. A row goes when its link is
-- used, revoked or expired; an address has one link at the most.
CREATE TABLE invitation (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL UNIQUE,
    role       INTEGER NOT NULL,
    -- Lists of ids, as JSON.
    teams      TEXT NOT NULL,
    sites      TEXT NOT NULL,
    -- Empty: the command line.
    invited_by INTEGER REFERENCES agent (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Links that give an agent a new password, likewise.
CREATE TABLE password_link (
    agent      INTEGER PRIMARY KEY REFERENCES agent (id),
    hash       BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;
