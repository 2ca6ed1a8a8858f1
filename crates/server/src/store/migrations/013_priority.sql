-- How pressing a conversation is: 0 nobody has said, 1 low, 2 medium, 3 high, 4 urgent.
ALTER TABLE conversation ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
