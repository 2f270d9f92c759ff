-- What people look at, and endpoints that are asked again by themselves.

-- On a million runs: reads the table once, seconds.
CREATE INDEX runs_environment ON runs (environment_id, created_at, id);
CREATE INDEX runs_open ON runs (job_id, environment_id, id) WHERE completed_at IS NULL;
-- The same for notifications; nearly all are delivered.
CREATE INDEX notifications_pending ON notifications (environment_id, id) WHERE status = 'PENDING';
CREATE INDEX notifications_exhausted ON notifications (environment_id, id) WHERE status = 'EXHAUSTED';

-- On endpoints, which are few: a moment.
-- When an endpoint is asked what it can do although nobody ordered it; null for
-- never.
ALTER TABLE endpoints ADD COLUMN index_due_at BIGINT;
UPDATE endpoints SET index_due_at = updated_at
WHERE environment_id IN (SELECT id FROM environments WHERE type IN ('PRODUCTION', 'STAGING'));
CREATE INDEX endpoints_index_due ON endpoints (index_due_at) WHERE index_due_at IS NOT NULL;
