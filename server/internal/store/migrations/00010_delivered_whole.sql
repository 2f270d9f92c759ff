-- Events are delivered whole; a webhook is registered with more than its config.

-- On a million events: on PostgreSQL a moment; SQLite rewrites the table, seconds.
ALTER TABLE events DROP COLUMN delivered_to;
-- Which address and params a webhook is registered with, as a digest; null for not
-- known, as of those that were registered before.
ALTER TABLE webhooks ADD COLUMN registered_with TEXT;
