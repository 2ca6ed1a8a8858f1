-- Who may not write for a time, or for ever. Either `contact` is set, or the range of addresses is: both ends as 16 bytes,
-- those of IPv4 as IPv6 writes them.
CREATE TABLE block (
    id         INTEGER PRIMARY KEY,
    contact    INTEGER REFERENCES contact (id),
    network    TEXT,
    first      BLOB,
    last       BLOB,
    reason     TEXT NOT NULL,
    created_by INTEGER REFERENCES agent (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,  -- empty: never
    CHECK ((contact IS NULL) <> (network IS NULL) AND (network IS NULL) = (first IS NULL) AND (first IS NULL) = (last IS NULL))
) STRICT;
CREATE INDEX block_contact ON block (contact) WHERE contact IS NOT NULL;
CREATE INDEX block_range ON block (first, last, expires_at) WHERE first IS NOT NULL;
CREATE INDEX block_expired ON block (expires_at) WHERE expires_at IS NOT NULL;
