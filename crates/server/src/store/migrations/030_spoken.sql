-- The language that the messenger last spoke to a visitor; empty: it has not said.
ALTER TABLE visitor ADD COLUMN spoken TEXT NOT NULL DEFAULT '';
