-- Resource groups. AUTOINCREMENT: no id is ever given twice.
CREATE TABLE team (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant BLOB NOT NULL,
    parent INTEGER,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX team_tenant ON team (tenant);
