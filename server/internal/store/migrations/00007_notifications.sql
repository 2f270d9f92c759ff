-- Who is told of ends of runs, in what order, and how each destination is doing.

-- Standing subscriptions of an environment, which are few. settings is JSON that
-- is read whole and never searched; sealed is encrypted JSON: secrets and headers.
CREATE TABLE subscriptions (
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments (id),
    url             TEXT NOT NULL,
    enabled         BOOLEAN NOT NULL,
    settings        TEXT NOT NULL,
    sealed          TEXT NOT NULL,
    -- Since when no attempt arrived, whether others were warned of it, and when
    -- and why the server switched the subscription off.
    failing_since   BIGINT,
    warned_at       BIGINT,
    disabled_at     BIGINT,
    disabled_reason TEXT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX subscriptions_environment ON subscriptions (environment_id, id);

-- On a million runs or notifications: a moment for each column, as no row is
-- rewritten.
-- How often a run that had ended went on.
ALTER TABLE runs ADD COLUMN continuations BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN subscription_id TEXT;
-- What it tells of: the end of a run, or what happened to a subscription.
ALTER TABLE notifications ADD COLUMN kind TEXT NOT NULL DEFAULT 'run.ended';
-- Which end of its run it tells of, and when a later end made it history.
ALTER TABLE notifications ADD COLUMN sequence BIGINT NOT NULL DEFAULT 1;
ALTER TABLE notifications ADD COLUMN superseded_at BIGINT;
-- Deliveries with the same destination share its limits.
ALTER TABLE notifications ADD COLUMN destination TEXT NOT NULL DEFAULT '';
-- Its place in the feed of its environment; null until somebody reads that far.
ALTER TABLE notifications ADD COLUMN feed_position BIGINT;

-- Of the rows that are due, which are few unless receivers are down: seconds for a
-- million of them.
UPDATE notifications SET destination = environment_id || ' ' || COALESCE(endpoint_id, url) WHERE due_at IS NOT NULL;
-- These read the table once: seconds for a million notifications.
CREATE INDEX notifications_destination_due ON notifications (destination, due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX notifications_subscription ON notifications (subscription_id, id) WHERE subscription_id IS NOT NULL;
CREATE INDEX notifications_held ON notifications (environment_id, id) WHERE status = 'HELD';
CREATE INDEX notifications_unplaced ON notifications (environment_id, id) WHERE feed_position IS NULL;
CREATE UNIQUE INDEX notifications_feed ON notifications (environment_id, feed_position) WHERE feed_position IS NOT NULL;

-- The last position of each environment's feed. Whoever gives out positions holds
-- the row until its transaction ends, so that they become visible in their order.
CREATE TABLE notification_feeds (
    environment_id TEXT PRIMARY KEY,
    last_position  BIGINT NOT NULL
);

-- The headers that an attempt was sent with, as JSON, its secrets left out.
ALTER TABLE notification_attempts ADD COLUMN request_headers TEXT;
ALTER TABLE notification_attempts ADD COLUMN retry_after_ms BIGINT;
