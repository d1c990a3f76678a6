-- Resources of every kind; claims of numbers, names and places; jobs in several lines.

-- What is shown of a resource stands apart from what its kind adds. The spec that was reached last
-- is the newest one if that is settled, else the one that the job at hand began with.
UPDATE resource SET body = json_remove(
    json_set(body,
        '$.name', body ->> '$.record.name',
        '$.status', json_object('machine', body ->> '$.record.status'),
        '$.shown', json(CASE
            WHEN body ->> '$.generation' > 0 AND body ->> '$.settled' = body ->> '$.generation'
                THEN body -> '$.spec'
            ELSE coalesce(
                (SELECT nullif(job.body -> '$.before', 'null') FROM job
                    WHERE job.id = unhex(resource.body ->> '$.acting', '-')),
                '"absent"')
            END),
        '$.observed', json(CASE
            WHEN body ->> '$.observed' IS NULL THEN 'null'
            ELSE json_object('machine', json(body -> '$.observed'))
            END)),
    '$.record.name', '$.record.status');
UPDATE resource SET body = json_set(body, '$.record',
    json_object('machine', json(body -> '$.record')));

ALTER TABLE resource ADD COLUMN kind TEXT NOT NULL DEFAULT 'vm';
ALTER TABLE resource ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE resource ADD COLUMN data_center BLOB NOT NULL DEFAULT x'';
-- Whether a job has left something that it could neither finish nor put back.
ALTER TABLE resource ADD COLUMN leftover INTEGER NOT NULL DEFAULT 0;
UPDATE resource SET name = body ->> '$.name',
    data_center = unhex(body ->> '$.data_center', '-'),
    leftover = body ->> '$.leftover' IS NOT NULL;
DROP INDEX resource_tenant;
CREATE INDEX resource_of_kind ON resource (tenant, kind, number);
CREATE INDEX resource_host ON resource (host);
CREATE INDEX resource_leftover ON resource (leftover, number) WHERE leftover = 1;

-- How many resources of a kind a tenant has.
ALTER TABLE tally RENAME TO tally_before;
CREATE TABLE tally (
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    resources INTEGER NOT NULL CHECK (resources >= 0),
    PRIMARY KEY (tenant, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO tally SELECT tenant, 'vm', resources FROM tally_before;
DROP TABLE tally_before;

-- The ledger. What an item is stands in kind, owner, detail and number; what has none of one of
-- them has 16 zero bytes, '' or 0. Names are compared by their characters.
ALTER TABLE claim RENAME TO claim_before;
CREATE TABLE claim (
    holder BLOB NOT NULL,
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    detail TEXT NOT NULL,
    number INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    exclusive INTEGER NOT NULL,
    PRIMARY KEY (holder, kind, owner, detail, number)
) STRICT, WITHOUT ROWID;
INSERT INTO claim SELECT holder, kind, owner, measure, 0, amount, 0 FROM claim_before;
DROP TABLE claim_before;
-- Nothing exclusive is held twice; the free numbers of a pool are the gaps in it.
CREATE UNIQUE INDEX claim_exclusive ON claim (kind, owner, detail, number) WHERE exclusive = 1;

-- The sums of the ledger; no row, nothing.
ALTER TABLE usage RENAME TO usage_before;
CREATE TABLE usage (
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    detail TEXT NOT NULL,
    number INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (kind, owner, detail, number)
) STRICT, WITHOUT ROWID;
INSERT INTO usage SELECT kind, owner, measure, 0, used FROM usage_before WHERE used > 0;
DROP TABLE usage_before;

-- The number of each pool that was given out last.
CREATE TABLE pool (
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    detail TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, detail)
) STRICT, WITHOUT ROWID;

-- Nothing new is placed on a drained host.
ALTER TABLE host ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;

-- A job that runs knows which generation its spec after is.
UPDATE job SET body = json_set(job.body, '$.generation',
        (resource.body ->> '$.generation') - (job.state <> 'running'))
    FROM resource
    WHERE resource.id = job.resource AND job.state IN ('running', 'reverting', 'retrying');

-- Some jobs are in no list though nobody waits for them.
ALTER TABLE job ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;
UPDATE job SET listed = 0 WHERE synchronous = 1;
DROP INDEX job_listed;
DROP INDEX job_of_kind;
DROP INDEX job_of_resource;
CREATE INDEX job_listed ON job (tenant, number) WHERE listed = 1;
CREATE INDEX job_of_kind ON job (tenant, operation, state, number) WHERE listed = 1;
CREATE INDEX job_of_resource ON job (tenant, resource, number) WHERE listed = 1;

-- A job may be part of several answers. An answer counts those of its jobs that are still there.
CREATE TABLE answered (
    job BLOB NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
INSERT INTO answered SELECT id, answer FROM job WHERE answer IS NOT NULL;
ALTER TABLE job DROP COLUMN answer;
ALTER TABLE answer ADD COLUMN jobs_left INTEGER NOT NULL DEFAULT 0 CHECK (jobs_left >= 0);
UPDATE answer SET jobs_left = part.jobs
    FROM (SELECT key, count(*) AS jobs FROM answered GROUP BY key) AS part
    WHERE part.key = answer.key;
CREATE INDEX answer_alone ON answer (created_at) WHERE jobs_left = 0;
