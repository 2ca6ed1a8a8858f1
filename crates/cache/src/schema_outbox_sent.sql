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
