-- Which idempotency answer a job is part of, so that the answer can go with the last of its jobs.
ALTER TABLE job ADD COLUMN answer BLOB;

WITH RECURSIVE part (key, id, rest) AS (
    SELECT key, substr(jobs, 1, 16), substr(jobs, 17) FROM answer
    UNION ALL
    SELECT key, substr(rest, 1, 16), substr(rest, 17) FROM part WHERE length(rest) > 0
)
UPDATE job SET answer = part.key FROM part WHERE job.id = part.id;
