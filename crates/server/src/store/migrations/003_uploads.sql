-- Files on their way up. A finished one stays for a day, so that whoever missed the answer can ask again.
CREATE TABLE upload (
    uploader_kind INTEGER NOT NULL,
    uploader      INTEGER NOT NULL,
    client_id     TEXT    NOT NULL,        -- its name, made by the client
    file          TEXT    NOT NULL UNIQUE, -- the random name in the waiting place
    name          TEXT    NOT NULL,
    size          INTEGER NOT NULL,        -- bytes of the whole file, as said
    sha256        BLOB,                    -- of the whole file, as said
    received      INTEGER NOT NULL,        -- bytes durably on the disk
    attachment    INTEGER REFERENCES attachment (id) ON DELETE CASCADE, -- what became of it
    active_at     INTEGER NOT NULL,
    PRIMARY KEY (uploader_kind, uploader, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_attachment ON upload (attachment) WHERE attachment IS NOT NULL;
CREATE INDEX upload_active ON upload (active_at);
