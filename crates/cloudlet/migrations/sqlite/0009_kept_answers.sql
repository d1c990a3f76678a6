-- What a request without a job did, in JSON, for a repeat of it; null where its jobs say it.
ALTER TABLE answer ADD COLUMN kept TEXT;
