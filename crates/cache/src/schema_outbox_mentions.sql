-- Whom an unsent note mentions: their ids, as JSON.
ALTER TABLE draft ADD COLUMN mentions TEXT NOT NULL DEFAULT '[]';
