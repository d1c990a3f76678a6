-- What a key may do and for how long. A key from before may do everything and does not expire.
ALTER TABLE api_key ADD COLUMN can_read INTEGER NOT NULL DEFAULT 1;
ALTER TABLE api_key ADD COLUMN can_write INTEGER NOT NULL DEFAULT 1;
ALTER TABLE api_key ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;
-- How long a secret of it is good for, so that a new one can be as long.
ALTER TABLE api_key ADD COLUMN days INTEGER;
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
ALTER TABLE api_key ADD COLUMN rate_limit INTEGER;
ALTER TABLE api_key ADD COLUMN used_at INTEGER;
