-- The second factor of an agent's sign-in: an app that shows codes, and codes on paper for the day it is lost.
CREATE TABLE second_factor (
    agent        INTEGER PRIMARY KEY REFERENCES agent (id),
    secret       BLOB NOT NULL,
    -- Empty until a code has shown that the app knows the secret: nothing is asked for before.
    confirmed_at INTEGER,
    -- The newest step of 30 seconds whose code was taken. Neither its code nor an older one is taken again.
    last_step    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Each is deleted when it is used.
CREATE TABLE recovery_code (
    agent INTEGER NOT NULL REFERENCES agent (id),
    hash  BLOB NOT NULL,
    PRIMARY KEY (agent, hash)
) STRICT, WITHOUT ROWID;
