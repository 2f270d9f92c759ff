-- Until when somebody reads the ends of all runs of an environment from its feed: until
-- then an end that notifies nobody is recorded, too. There is a row for each environment,
-- so this takes a moment on a million runs.
ALTER TABLE notification_feeds ADD COLUMN followed_until BIGINT NOT NULL DEFAULT 0;
