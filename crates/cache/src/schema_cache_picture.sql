-- Pictures that were fetched, as the desk encoded them.
CREATE TABLE picture (
    attachment INTEGER NOT NULL PRIMARY KEY,
    bytes      BLOB    NOT NULL
) STRICT;
