-- What the list of devices says of each, and how its session ended.
ALTER TABLE device ADD COLUMN system TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN country TEXT;
ALTER TABLE device ADD COLUMN city TEXT;
ALTER TABLE device ADD COLUMN local INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN last_seen_at INTEGER NOT NULL DEFAULT 0;
UPDATE device SET last_seen_at = created_at;
-- Somebody else ended it: the device wipes what it keeps.
ALTER TABLE device ADD COLUMN wiped INTEGER NOT NULL DEFAULT 0;
-- The refresh token that was spent last, until its successor is used: the answer with that one may have been lost.
ALTER TABLE device ADD COLUMN unanswered BLOB;
