-- Whether the whole desk is switched off, and what messengers say of it: a JSON object of languages. An empty text is the
-- messenger's own.
ALTER TABLE settings ADD COLUMN offline INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN texts TEXT NOT NULL DEFAULT '{}';
