-- Persons who turned out to be one: whoever still names the one that is gone means the one that stays.
CREATE TABLE merged (
    contact INTEGER PRIMARY KEY,
    stays   INTEGER NOT NULL REFERENCES contact (id)
) STRICT;
CREATE INDEX merged_stays ON merged (stays);
