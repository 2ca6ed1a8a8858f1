-- What a site asks visitors before their first message: a JSON object. NULL: nothing.
ALTER TABLE site ADD COLUMN forms TEXT;
