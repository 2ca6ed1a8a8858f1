-- Visitors of whom a shop's server signs who they are. The secrets sign, so they are kept whole.
CREATE TABLE identity_secret (
    id         INTEGER PRIMARY KEY,
    site       INTEGER NOT NULL REFERENCES site (id),
    secret     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX identity_secret_site ON identity_secret (site);

ALTER TABLE site ADD COLUMN signed_only INTEGER NOT NULL DEFAULT 0;

-- The shop's name for a person, since when it is known, and what was signed of them last, so that only another word of
-- the shop goes over what agents wrote.
ALTER TABLE visitor ADD COLUMN external_id TEXT;
ALTER TABLE visitor ADD COLUMN verified_at INTEGER;
ALTER TABLE visitor ADD COLUMN signed_name TEXT;
ALTER TABLE visitor ADD COLUMN signed_email TEXT;
CREATE UNIQUE INDEX visitor_external ON visitor (site, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX visitor_verified ON visitor (contact) WHERE external_id IS NOT NULL;

-- Until when a browser's secret, or its name, leads to somebody whom the shop vouches for, and by which secret of the
-- shop's. NULL: it leads to somebody unknown, for good.
ALTER TABLE visitor_token ADD COLUMN proved_until INTEGER;
ALTER TABLE visitor_token ADD COLUMN secret INTEGER REFERENCES identity_secret (id);
ALTER TABLE presence ADD COLUMN proved_until INTEGER;
CREATE INDEX visitor_token_proved ON visitor_token (proved_until) WHERE proved_until IS NOT NULL;
CREATE INDEX visitor_token_secret ON visitor_token (secret) WHERE secret IS NOT NULL;
