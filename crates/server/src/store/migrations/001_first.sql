-- One row: the desk and the state of its change log. `last_id` is the largest id given out.
-- A migration that changes the entities' wire form sets `shape_seq` to `seq`: cursors before it take a new snapshot.
CREATE TABLE desk (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    name      TEXT NOT NULL,
    epoch     TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    shape_seq INTEGER NOT NULL,
    last_id   INTEGER NOT NULL
) STRICT;

-- One row per entity: the place of its newest change. A delta is "the rows of (from, to], joined to the
-- present state", so the log never needs trimming and no cursor is ever too old. Deleted entities keep their row.
-- `audience` is 0 for all agents, else the one agent who may see it. `sender` and `client_id` name the command
-- that made the change. `conversation` is set for what a visitor may be shown.
CREATE TABLE change (
    seq          INTEGER PRIMARY KEY,
    entity       INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    audience     INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    sender_kind  INTEGER,
    sender       INTEGER,
    client_id    TEXT,
    conversation INTEGER,
    UNIQUE (entity, id, audience)
) STRICT;
CREATE INDEX change_conversation ON change (conversation, seq) WHERE conversation IS NOT NULL;

-- Every command ever done, by its sender's name for it: a repeat is answered like the first.
CREATE TABLE command (
    sender_kind INTEGER NOT NULL,
    sender      INTEGER NOT NULL,
    client_id   TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    id          INTEGER,
    number      INTEGER,
    PRIMARY KEY (sender_kind, sender, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE,
    role          INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- A signed-in computer: the family of all tokens that came from one sign-in.
CREATE TABLE device (
    id         INTEGER PRIMARY KEY,
    agent      INTEGER NOT NULL REFERENCES agent (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX device_agent ON device (agent);

-- Tokens are stored as SHA-256 only. A spent refresh token stays until it expires, so that its reuse is noticed.
CREATE TABLE token (
    hash       BLOB PRIMARY KEY,
    device     INTEGER NOT NULL REFERENCES device (id),
    kind       INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_device ON token (device);
CREATE INDEX token_expires ON token (expires_at);

CREATE TABLE site (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    key     TEXT NOT NULL UNIQUE,
    origins TEXT NOT NULL
) STRICT;

CREATE TABLE canned_text (
    id       INTEGER PRIMARY KEY,
    shortcut TEXT NOT NULL UNIQUE,
    title    TEXT NOT NULL,
    text     TEXT NOT NULL
) STRICT;

CREATE TABLE contact (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL DEFAULT '',
    email      TEXT NOT NULL DEFAULT '',
    phone      TEXT NOT NULL DEFAULT '',
    notes      TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE visitor (
    id               INTEGER PRIMARY KEY,
    contact          INTEGER NOT NULL REFERENCES contact (id),
    site             INTEGER NOT NULL REFERENCES site (id),
    country          TEXT,
    city             TEXT,
    local            INTEGER NOT NULL,
    ip               TEXT NOT NULL,
    browser          TEXT NOT NULL,
    os               TEXT NOT NULL,
    device           TEXT NOT NULL,
    language         TEXT NOT NULL,
    screen           TEXT NOT NULL,
    referrer         TEXT NOT NULL,
    visits           INTEGER NOT NULL,
    chats            INTEGER NOT NULL,
    visit_started_at INTEGER NOT NULL,
    last_page_at     INTEGER NOT NULL,
    last_seen_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX visitor_contact ON visitor (contact);
-- Those who never chatted, by when they were last here: the tail of an agent's snapshot.
CREATE INDEX visitor_silent ON visitor (last_seen_at) WHERE chats = 0;

-- The loader's name for a browser, hashed.
CREATE TABLE presence (
    hash    BLOB PRIMARY KEY,
    visitor INTEGER NOT NULL REFERENCES visitor (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_visitor ON presence (visitor);

-- The panel's secret, hashed.
CREATE TABLE visitor_token (
    hash       BLOB PRIMARY KEY,
    visitor    INTEGER NOT NULL REFERENCES visitor (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visitor_token_visitor ON visitor_token (visitor);

CREATE TABLE page_view (
    id      INTEGER PRIMARY KEY,
    visitor INTEGER NOT NULL REFERENCES visitor (id),
    url     TEXT NOT NULL,
    title   TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX page_view_visitor ON page_view (visitor, id);

CREATE TABLE conversation (
    id            INTEGER PRIMARY KEY,
    kind          INTEGER NOT NULL,
    contact       INTEGER NOT NULL REFERENCES contact (id),
    visitor       INTEGER NOT NULL REFERENCES visitor (id),
    site          INTEGER NOT NULL REFERENCES site (id),
    state         INTEGER NOT NULL,
    assignee      INTEGER REFERENCES agent (id),
    last_number   INTEGER NOT NULL,
    waiting_since INTEGER,
    created_at    INTEGER NOT NULL,
    active_at     INTEGER NOT NULL,
    visitor_read  INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_visitor ON conversation (visitor, id);
CREATE INDEX conversation_contact ON conversation (contact);
CREATE INDEX conversation_active ON conversation (active_at, id);

CREATE TABLE message (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    number       INTEGER NOT NULL,
    author_kind  INTEGER NOT NULL,
    author       INTEGER,
    author_name  TEXT,
    kind         INTEGER NOT NULL,
    text         TEXT NOT NULL,
    attachments  INTEGER NOT NULL,
    client_id    TEXT,
    created_at   INTEGER NOT NULL,
    UNIQUE (conversation, number)
) STRICT;

-- `file` is the random name on disk. `message` is empty until the file is sent.
CREATE TABLE attachment (
    id            INTEGER PRIMARY KEY,
    message       INTEGER REFERENCES message (id),
    uploader_kind INTEGER NOT NULL,
    uploader      INTEGER NOT NULL,
    file          TEXT NOT NULL,
    name          TEXT NOT NULL,
    mime          TEXT NOT NULL,
    size          INTEGER NOT NULL,
    width         INTEGER,
    height        INTEGER,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_message ON attachment (message, id);
CREATE INDEX attachment_uploader ON attachment (uploader_kind, uploader, created_at);
CREATE INDEX attachment_loose ON attachment (created_at) WHERE message IS NULL;

CREATE TABLE read_mark (
    agent        INTEGER NOT NULL REFERENCES agent (id),
    conversation INTEGER NOT NULL REFERENCES conversation (id),
    number       INTEGER NOT NULL,
    PRIMARY KEY (agent, conversation)
) STRICT, WITHOUT ROWID;
