-- How far the indexes of words have come: newer messages and pages are in none yet. They are put there many at a time,
-- and before anybody searches.
CREATE TABLE findable (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    messages INTEGER NOT NULL, -- the newest message
    pages    INTEGER NOT NULL  -- the newest page
) STRICT;
INSERT INTO findable (id, messages, pages)
SELECT 1, (SELECT coalesce(max(id), 0) FROM message), (SELECT coalesce(max(id), 0) FROM page_view);
