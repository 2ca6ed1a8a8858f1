-- Addresses that are told of what happens, and what they are still to be told. The secret signs, so it is kept whole.
CREATE TABLE webhook (
    id            INTEGER PRIMARY KEY,
    url           TEXT NOT NULL,
    events        TEXT NOT NULL,
    secret        TEXT NOT NULL,
    active        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Deliveries that wait.
    waiting       INTEGER NOT NULL DEFAULT 0,
    -- Since when none has arrived; NULL: the last one did.
    failing_since INTEGER
) STRICT;

-- Each webhook's are delivered in the order of their ids. Whoever erases a person erases what was told of them.
CREATE TABLE webhook_delivery (
    id           INTEGER PRIMARY KEY,
    webhook      INTEGER NOT NULL REFERENCES webhook (id),
    event        TEXT NOT NULL,
    contact      INTEGER REFERENCES contact (id),
    conversation INTEGER REFERENCES conversation (id),
    body         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    -- 0: waits, 1: arrived, 2: given up.
    state        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      INTEGER NOT NULL,
    status       INTEGER,
    answer       TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook, id) WHERE state = 0;
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook, id);
CREATE INDEX webhook_delivery_of_contact ON webhook_delivery (contact);
CREATE INDEX webhook_delivery_of_conversation ON webhook_delivery (conversation);
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at);
