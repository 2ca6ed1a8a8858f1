-- When the backup was made.
CREATE TABLE backup (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    made_at INTEGER NOT NULL
) STRICT;

-- The files that attachments name, by their names on disk.
CREATE TABLE backup_file (
    name   TEXT PRIMARY KEY,
    sha256 BLOB NOT NULL,
    bytes  BLOB NOT NULL
) STRICT;
