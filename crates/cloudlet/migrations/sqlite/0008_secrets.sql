-- What creates carry apart from their jobs, wiped when these end. The padding fills what a row keeps in
-- the table's own pages, so that the body lies in overflow pages alone: no other row ever moves those,
-- and they are overwritten whole when they are freed (PRAGMA secure_delete).
CREATE TABLE secret (
    job BLOB PRIMARY KEY,
    padding BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
