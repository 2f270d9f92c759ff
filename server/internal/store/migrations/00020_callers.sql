-- Which task a callback URL completes is decided when the URL is given, and kept on
-- the row, so that it does not depend on where servers say that they are reached. Rows
-- of before hold none; their URLs name the task.

-- On a million rows of a table: a moment, as no row is rewritten.
ALTER TABLE runs ADD COLUMN callback_task_id TEXT;
ALTER TABLE notifications ADD COLUMN task_id TEXT;
ALTER TABLE event_waits ADD COLUMN task_id TEXT;

-- Those who were given a run that was there already, by its idempotency key, and
-- asked to be notified of its end as well.
CREATE TABLE run_callers (
    run_id     TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    url        TEXT    NOT NULL,
    task_id    TEXT,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (run_id, number)
);
