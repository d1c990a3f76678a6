-- Public halves of SSH keys; the private half of one that was made here is nowhere. Kept until deleted.
CREATE TABLE ssh_key (
    id BLOB NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    name TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ssh_key_tenant ON ssh_key (tenant, id);
