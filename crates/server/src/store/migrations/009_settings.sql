-- What the desk's owners decide while it is served; its name stands in `desk`. The row is made when the desk is next
-- opened, with what the process was told.
CREATE TABLE settings (
    id                         INTEGER PRIMARY KEY CHECK (id = 1),
    store_ip                   INTEGER NOT NULL,  -- 0 whole, 1 truncated, 2 none
    file_bytes_max             INTEGER NOT NULL,
    visitor_upload_bytes_a_day INTEGER NOT NULL,
    page_days                  INTEGER NOT NULL   -- 0: for ever
) STRICT;
-- Pages by their age.
CREATE INDEX page_view_at ON page_view (at);
