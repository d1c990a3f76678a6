-- Ids are the 16 bytes of a UUID, times are milliseconds, states are the wire's words.
-- A body is the model's own form of a job or a resource; the columns beside it are those that
-- something is found or counted by, and always say the same as the body.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    suspended INTEGER NOT NULL,
    limits TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id BLOB NOT NULL PRIMARY KEY,
    -- SHA-256 of the key's text.
    digest BLOB NOT NULL UNIQUE,
    -- NULL is the operator.
    owner BLOB,
    name TEXT NOT NULL,
    start TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_owner ON api_key (owner, id);

-- number is the order of acceptance and nothing else.
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    tenant BLOB NOT NULL,
    host BLOB NOT NULL,
    state TEXT NOT NULL,
    blockers INTEGER NOT NULL CHECK (blockers >= 0),
    synchronous INTEGER NOT NULL,
    cancel INTEGER NOT NULL,
    completed_at INTEGER,
    body TEXT NOT NULL
) STRICT;
-- SQLite uses a partial index only for a query that says the same words.
CREATE INDEX job_ready ON job (host, tenant, number)
    WHERE state = 'pending' AND blockers = 0 AND synchronous = 0;
CREATE INDEX job_call ON job (synchronous, number)
    WHERE state = 'pending' AND synchronous = 1;
CREATE INDEX job_cancel ON job (cancel, number) WHERE cancel = 1;
CREATE INDEX job_completed ON job (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE resource (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    tenant BLOB NOT NULL,
    host BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX resource_tenant ON resource (tenant, number);

-- How many resources a tenant has, so that a list need not count them.
CREATE TABLE tally (
    tenant BLOB NOT NULL PRIMARY KEY,
    resources INTEGER NOT NULL CHECK (resources >= 0)
) STRICT, WITHOUT ROWID;

-- Who stands in the line of a resource, by the job's number.
CREATE TABLE ticket (
    key BLOB NOT NULL,
    number INTEGER NOT NULL,
    job BLOB NOT NULL,
    PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID;

-- How many stand there; no row, nobody.
CREATE TABLE line (
    key BLOB NOT NULL PRIMARY KEY,
    length INTEGER NOT NULL CHECK (length >= 0),
    synchronous INTEGER NOT NULL CHECK (synchronous >= 0)
) STRICT, WITHOUT ROWID;

-- The ledger; usage is the sum of its rows for each item.
CREATE TABLE claim (
    holder BLOB NOT NULL,
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    measure TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (holder, kind, owner, measure)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage (
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    measure TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (kind, owner, measure)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    key BLOB NOT NULL PRIMARY KEY,
    request BLOB NOT NULL,
    -- The ids of its jobs, one behind the other.
    jobs BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A tenant's standing on a host. 16 is TENANT_SLOTS.
CREATE TABLE turn (
    host BLOB NOT NULL,
    tenant BLOB NOT NULL,
    ready INTEGER NOT NULL CHECK (ready >= 0),
    running INTEGER NOT NULL CHECK (running >= 0),
    last INTEGER NOT NULL,
    PRIMARY KEY (host, tenant)
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_startable ON turn (host, last, tenant) WHERE ready > 0 AND running < 16;

-- How many jobs hold a slot of a host.
CREATE TABLE host (
    id BLOB NOT NULL PRIMARY KEY,
    running INTEGER NOT NULL CHECK (running >= 0)
) STRICT, WITHOUT ROWID;
