-- Which team has a conversation, and how pressing it is.
ALTER TABLE conversation ADD COLUMN team INTEGER;   -- effective
ALTER TABLE conversation ADD COLUMN priority TEXT;  -- effective; empty: nobody has said
UPDATE conversation SET team = json_extract(data, '$.team') WHERE json_extract(data, '$.team') IS NOT NULL;
