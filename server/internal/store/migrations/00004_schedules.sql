-- Schedules. Only new tables: a moment.

-- What an app registers schedules with as it runs, and the jobs that each tick of
-- those starts. active is set while the app has it.
CREATE TABLE dynamic_schedules (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    endpoint_id    TEXT NOT NULL REFERENCES endpoints (id),
    slug           TEXT NOT NULL,
    active         BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (endpoint_id, slug)
);
CREATE INDEX dynamic_schedules_environment ON dynamic_schedules (environment_id, slug);

CREATE TABLE dynamic_schedule_jobs (
    dynamic_schedule_id TEXT NOT NULL REFERENCES dynamic_schedules (id) ON DELETE CASCADE,
    job_id              TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (dynamic_schedule_id, job_id)
);
CREATE INDEX dynamic_schedule_jobs_job ON dynamic_schedule_jobs (job_id);

-- What ticks. The target is a job or a dynamic schedule, as kind says. A schedule
-- that is active but is not due and not leased is paused.
CREATE TABLE schedules (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    endpoint_id    TEXT NOT NULL REFERENCES endpoints (id),
    kind           TEXT NOT NULL,
    target_id      TEXT NOT NULL,
    key            TEXT NOT NULL,
    type           TEXT NOT NULL,
    seconds        BIGINT NOT NULL,
    cron           TEXT NOT NULL,
    metadata       TEXT,
    account_id     TEXT REFERENCES accounts (id),
    active         BOOLEAN NOT NULL,
    -- The times that ticks were and are due at; due_at may be later than the next
    -- one, when that could not be started. Due without a next tick means that the
    -- next one is yet to be found.
    last_tick_at   BIGINT,
    next_tick_at   BIGINT,
    due_at         BIGINT,
    lease_owner    TEXT,
    lease_number   BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (environment_id, target_id, key)
);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX schedules_leased ON schedules (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX schedules_environment ON schedules (environment_id, id);
CREATE INDEX schedules_endpoint ON schedules (endpoint_id);

-- Who develops which app now: one row for each connection that says so, which ends
-- with the process that has it.
CREATE TABLE attachments (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    endpoint_slug  TEXT NOT NULL,
    node_id        TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    created_at     BIGINT NOT NULL
);
CREATE INDEX attachments_endpoint ON attachments (environment_id, endpoint_slug);
CREATE INDEX attachments_node ON attachments (node_id);
