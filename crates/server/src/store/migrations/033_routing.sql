-- To which team new conversations go: the first rule that fits, by its place. What is NULL fits everybody.
CREATE TABLE routing_rule (
    place            INTEGER PRIMARY KEY,
    active           INTEGER NOT NULL,
    site             INTEGER REFERENCES site (id),
    language         TEXT,
    page_contains    TEXT,
    team             INTEGER NOT NULL REFERENCES team (id),
    fallback_after_s INTEGER NOT NULL
) STRICT;

-- What a rule gave to a team while its visitor waited since then, and when it is everybody's unless somebody took it.
CREATE TABLE routed (
    conversation INTEGER PRIMARY KEY REFERENCES conversation (id),
    team         INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    due_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX routed_due ON routed (due_at);
