-- Whether agents see what visitors of a site write before they send it.
ALTER TABLE site ADD COLUMN peek INTEGER NOT NULL DEFAULT 0;
