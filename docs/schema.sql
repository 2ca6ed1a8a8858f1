-- The agent's two databases, as a new account has them. A test compares this page with the real ones.

-- cache.db
-- The agent's cache. Everything here can be had from the server again.

-- Where the cache stands: epoch and seq of the cursor, and the snapshot being taken.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Entities that are only read whole: agents, sites, teams, contacts, visitors, canned texts, items. `data` is the entity as JSON.
CREATE TABLE entity (
    kind       TEXT    NOT NULL,
    id         INTEGER NOT NULL,
    rev        INTEGER NOT NULL,             -- the change that wrote it
    generation TEXT    NOT NULL DEFAULT '',  -- the snapshot that saw it last
    data       TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Heads of conversations, with all that a list row needs. The effective columns show commands that are
-- still in the outbox.
CREATE TABLE conversation (
    id            INTEGER NOT NULL PRIMARY KEY,
    rev           INTEGER NOT NULL,
    generation    TEXT    NOT NULL DEFAULT '',
    data          TEXT    NOT NULL,           -- the conversation as the server has it, JSON
    contact       INTEGER NOT NULL,
    visitor       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    active_at     INTEGER NOT NULL,
    state         TEXT    NOT NULL,           -- effective
    assignee      INTEGER,                    -- effective
    waiting_since INTEGER,                    -- effective
    my_read       INTEGER NOT NULL DEFAULT 0, -- effective
    unread        INTEGER NOT NULL DEFAULT 0,
    preview       TEXT                        -- author, kind, text, file as JSON
) STRICT;
CREATE INDEX conversation_by_activity ON conversation (state, active_at DESC, id DESC);
CREATE INDEX conversation_waiting ON conversation (waiting_since, id) WHERE state = 'open' AND waiting_since IS NOT NULL;
CREATE INDEX conversation_of_agent ON conversation (assignee, active_at DESC, id DESC) WHERE state = 'open';
CREATE INDEX conversation_unread ON conversation (id) WHERE unread > 0 AND state = 'open';
CREATE INDEX conversation_of_contact ON conversation (contact, created_at DESC);
CREATE INDEX conversation_of_visitor ON conversation (visitor, created_at DESC);
ALTER TABLE conversation ADD COLUMN snoozed_until INTEGER;  -- effective
-- Messages make room: of a closed conversation that nobody used for long, the newest alone may stay.
ALTER TABLE conversation ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0; -- read last while it was closed, by this computer's clock
ALTER TABLE conversation ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0; -- even of the newest messages some may have made room
ALTER TABLE conversation ADD COLUMN settled INTEGER NOT NULL DEFAULT 0; -- nothing has come since it made room
CREATE INDEX conversation_unused ON conversation (max(active_at, used_at), id)
    WHERE state = 'closed' AND unread = 0 AND settled = 0;
-- Which team has a conversation, and how pressing it is.
ALTER TABLE conversation ADD COLUMN team INTEGER;   -- effective
ALTER TABLE conversation ADD COLUMN priority TEXT;  -- effective; empty: nobody has said
-- Conversations among the team stand in no folder of customers: their effective state is 'internal'.
CREATE INDEX conversation_unread_internal ON conversation (id) WHERE unread > 0 AND state = 'internal';
-- What I follow is mine to look after, though others may answer it.
ALTER TABLE conversation ADD COLUMN followed INTEGER NOT NULL DEFAULT 0; -- effective
CREATE INDEX conversation_followed ON conversation (active_at DESC, id DESC) WHERE state = 'open' AND followed = 1;
-- So are notes that mention me and that I have not read, wherever their conversation stands.
ALTER TABLE conversation ADD COLUMN unread_to_me INTEGER NOT NULL DEFAULT 0; -- effective
CREATE INDEX conversation_mentions ON conversation (active_at DESC, id DESC)
    WHERE unread_to_me > 0 AND state IN ('snoozed', 'closed');

-- What the team calls a conversation, effective. `key` is what two spellings of one label have in common.
CREATE TABLE conversation_label (
    conversation INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    PRIMARY KEY (conversation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_in_use ON conversation_label (key, label);

-- Messages. The id grows with time, so newest first is the order of the rowid.
CREATE TABLE message (
    id           INTEGER NOT NULL PRIMARY KEY,
    conversation INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    rev          INTEGER NOT NULL,
    by_visitor   INTEGER NOT NULL,
    data         TEXT    NOT NULL,  -- the message as JSON
    words        TEXT    NOT NULL   -- text and file names, for the search
) STRICT;
CREATE UNIQUE INDEX message_place ON message (conversation, number);
ALTER TABLE message ADD COLUMN facets TEXT NOT NULL DEFAULT '';  -- what else can be asked of it, for the search
ALTER TABLE message ADD COLUMN at INTEGER NOT NULL DEFAULT 0;    -- when the server took it
CREATE INDEX message_of_visitor ON message (conversation, number) WHERE by_visitor = 1;
CREATE INDEX message_by_time ON message (at, id);
-- Notes that mention me.
ALTER TABLE message ADD COLUMN to_me INTEGER NOT NULL DEFAULT 0; -- a note that mentions whose cache it is
CREATE INDEX message_to_me ON message (conversation, number) WHERE to_me = 1;

-- What the search's filters need, and nothing else.
CREATE INDEX message_facts ON message (id, conversation, by_visitor, at);
CREATE INDEX conversation_facts ON conversation (id, state, assignee, contact, visitor);

-- Which numbers of a conversation are here, as closed intervals that never touch.
CREATE TABLE coverage (
    conversation INTEGER NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    PRIMARY KEY (conversation, first)
) STRICT, WITHOUT ROWID;

-- Files of messages.
CREATE TABLE attachment (
    id      INTEGER NOT NULL PRIMARY KEY,
    message INTEGER NOT NULL,
    data    TEXT    NOT NULL
) STRICT;
CREATE INDEX attachment_of_message ON attachment (message);

-- The browsers of a person.
CREATE INDEX visitor_of_contact ON entity (json_extract(data, '$.contact')) WHERE kind = 'visitor';

-- What projects, tickets and tasks are about: a conversation is about one at most.
CREATE TABLE item_conversation (
    conversation INTEGER NOT NULL PRIMARY KEY,
    item         INTEGER NOT NULL
) STRICT;
CREATE INDEX item_conversation_of_item ON item_conversation (item);
CREATE INDEX item_of_contact ON entity (json_extract(data, '$.contact')) WHERE kind = 'item';

-- Words of messages, of people with the pages they saw, and of the names of agents.
CREATE VIRTUAL TABLE message_words USING fts5(
    words, facets, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
-- The newest messages have an index of words of their own.
CREATE VIRTUAL TABLE recent_words USING fts5(
    words, facets, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
-- Which messages stand in which index, by their ids: all below `alone` in message_words, all from `first` on in
-- recent_words.
CREATE TABLE recent (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    first INTEGER NOT NULL,
    alone INTEGER NOT NULL CHECK (alone >= first)
) STRICT;
CREATE VIRTUAL TABLE person_words USING fts5(
    name, email, phone, notes, pages, tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
CREATE VIRTUAL TABLE agent_words USING fts5(
    name, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);

-- Files that were fetched, as the desk gave them: no longer pictures alone, and not for ever.
CREATE TABLE kept (
    attachment INTEGER NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL, -- in bytes
    used_at    INTEGER NOT NULL  -- kept, shown or saved last, by this computer's clock
) STRICT;
CREATE INDEX kept_unused ON kept (used_at);

-- Their bytes, on pages of their own, so that a use is noted without them.
CREATE TABLE "kept_bytes" (
    attachment INTEGER NOT NULL PRIMARY KEY,
    bytes      BLOB    NOT NULL
) STRICT;

-- outbox.db
-- What exists nowhere else: commands not yet done, unsent texts, and what this computer was told to remember.

-- Commands, oldest first.
CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    client_id    TEXT    NOT NULL UNIQUE,
    conversation INTEGER,
    frame        TEXT    NOT NULL,              -- the cmd frame as JSON
    attachments  TEXT    NOT NULL DEFAULT '[]', -- of a message, as JSON, to be shown until it comes back
    queued_at    INTEGER NOT NULL,
    acked_seq    INTEGER,                       -- durably done by this change
    refusal      TEXT                           -- refused for good, with this code
) STRICT;
CREATE INDEX outbox_of_conversation ON outbox (conversation, position);

-- Unsent texts.
CREATE TABLE draft (
    conversation INTEGER NOT NULL PRIMARY KEY,
    reply        TEXT    NOT NULL,
    note         TEXT    NOT NULL
) STRICT;
ALTER TABLE draft ADD COLUMN mentions TEXT NOT NULL DEFAULT '[]'; -- whom the note mentions: their ids, as JSON

-- Anything else of one account, e.g. its chat boxes.
CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Messages that the desk has, kept for a week: a desk that was restored from a backup may miss the newest, and gets
-- them again under the same names.
CREATE TABLE sent (
    position     INTEGER PRIMARY KEY NOT NULL,  -- as in the outbox
    client_id    TEXT    NOT NULL UNIQUE,
    conversation INTEGER,
    frame        TEXT    NOT NULL,
    attachments  TEXT    NOT NULL,
    queued_at    INTEGER NOT NULL,
    done_at      INTEGER NOT NULL               -- by this computer's clock
) STRICT;
CREATE INDEX sent_by_age ON sent (done_at);

-- What keeps a reply from going at once, and whether it ever went.
ALTER TABLE outbox ADD COLUMN hold_until INTEGER;          -- kept back until then, by this computer's clock
ALTER TABLE outbox ADD COLUMN seen INTEGER;                -- newest message that the person had on screen
ALTER TABLE outbox ADD COLUMN tried INTEGER NOT NULL DEFAULT 0; -- it may have been on its way
ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0;  -- held until the person decides

-- Files of drafts and of messages that are not done, copied as soon as they are chosen: the original may go.
CREATE TABLE file (
    position     INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name         TEXT    NOT NULL UNIQUE, -- its permanent name at the desk
    conversation INTEGER NOT NULL,
    message      TEXT,                    -- the command that takes it along; without one, it belongs to the draft
    title        TEXT    NOT NULL,        -- what the person calls it
    size         INTEGER NOT NULL,        -- in bytes
    sha256       TEXT    NOT NULL,        -- in hexadecimal digits
    attachment   TEXT,                    -- what the desk made of it, as JSON
    refusal      TEXT                     -- refused for good, with this code
) STRICT;
CREATE INDEX file_of_message ON file (message, position);
CREATE INDEX file_of_draft ON file (conversation, position) WHERE message IS NULL;

-- Their bytes. A file without any is one that the desk has.
CREATE TABLE file_piece (
    file   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    bytes  BLOB    NOT NULL,
    PRIMARY KEY (file, number)
) STRICT;

-- Who is erased takes along what was sent to them.
CREATE INDEX sent_of_conversation ON sent (conversation);
