-- What keeps a reply from going at once, and whether it ever went. What was queued before may have been on its way.
ALTER TABLE outbox ADD COLUMN hold_until INTEGER;          -- kept back until then, by this computer's clock
ALTER TABLE outbox ADD COLUMN seen INTEGER;                -- newest message that the person had on screen
ALTER TABLE outbox ADD COLUMN tried INTEGER NOT NULL DEFAULT 0; -- it may have been on its way
ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0;  -- held until the person decides
UPDATE outbox SET tried = 1;
