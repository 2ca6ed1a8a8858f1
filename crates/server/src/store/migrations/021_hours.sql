-- When the desk is open: a JSON object. NULL: always, and for a site as the desk.
ALTER TABLE settings ADD COLUMN hours TEXT;
ALTER TABLE site ADD COLUMN hours TEXT;
