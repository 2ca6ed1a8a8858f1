-- Files of prepared texts: each belongs to one text, and is never sent itself.
ALTER TABLE attachment ADD COLUMN canned_text INTEGER REFERENCES canned_text (id);
DROP INDEX attachment_loose;
CREATE INDEX attachment_loose ON attachment (created_at) WHERE message IS NULL AND canned_text IS NULL;
CREATE INDEX attachment_canned_text ON attachment (canned_text, id) WHERE canned_text IS NOT NULL;
