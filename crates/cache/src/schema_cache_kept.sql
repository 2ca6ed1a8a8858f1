-- Files that were fetched, as the desk gave them: no longer pictures alone, and not for ever.
CREATE TABLE kept (
    attachment INTEGER NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL, -- in bytes
    used_at    INTEGER NOT NULL  -- kept, shown or saved last, by this computer's clock
) STRICT;
CREATE INDEX kept_unused ON kept (used_at);

-- Their bytes, on pages of their own, so that a use is noted without them.
ALTER TABLE picture RENAME TO kept_bytes;
INSERT INTO kept (attachment, size, used_at)
    SELECT attachment, length(bytes), CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM kept_bytes;
