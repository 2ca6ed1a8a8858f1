-- Messages make room: of a closed conversation that nobody used for long, the newest alone may stay.
ALTER TABLE conversation ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0; -- read last while it was closed, by this computer's clock
ALTER TABLE conversation ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0; -- even of the newest messages some may have made room
ALTER TABLE conversation ADD COLUMN settled INTEGER NOT NULL DEFAULT 0; -- nothing has come since it made room
CREATE INDEX conversation_unused ON conversation (max(active_at, used_at), id)
    WHERE state = 'closed' AND unread = 0 AND settled = 0;
