-- What the list of jobs is filtered by, and indexes that end in the order it is shown in: a page is
-- read from a few ranges of an index, however many jobs there are. No list shows synchronous calls.
ALTER TABLE job ADD COLUMN operation TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN resource BLOB NOT NULL DEFAULT x'';
UPDATE job SET operation = coalesce(json_extract(body, '$.operation'), ''),
    resource = coalesce(unhex(json_extract(body, '$.resource'), '-'), x'');

CREATE INDEX job_listed ON job (tenant, number) WHERE synchronous = 0;
CREATE INDEX job_of_kind ON job (tenant, operation, state, number) WHERE synchronous = 0;
CREATE INDEX job_of_resource ON job (tenant, resource, number) WHERE synchronous = 0;
