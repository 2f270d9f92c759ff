-- The first tables. Times are microseconds since 1970 in UTC; JSON is text, kept
-- byte for byte; ids sort by creation. A row that has work to be done carries
-- due_at (when), lease_owner (which server process is at it; null for none) and
-- lease_number (how often it was claimed), and stands in a partial index of the
-- rows that are due.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row for each server process. Where only one process can have the database
-- open, its lease never runs out while it lives, and ends when the next starts.
CREATE TABLE nodes (
    id         TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE organizations (
    id                    TEXT PRIMARY KEY,
    slug                  TEXT NOT NULL UNIQUE,
    title                 TEXT NOT NULL,
    maximum_execution_ms  BIGINT NOT NULL,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL
);

CREATE TABLE projects (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    slug            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);

-- Keys are found by their SHA-256 and kept encrypted.
CREATE TABLE environments (
    id                   TEXT PRIMARY KEY,
    project_id           TEXT NOT NULL REFERENCES projects (id),
    slug                 TEXT NOT NULL,
    type                 TEXT NOT NULL,
    api_key_hash         TEXT NOT NULL UNIQUE,
    api_key_encrypted    TEXT NOT NULL,
    public_key_hash      TEXT NOT NULL UNIQUE,
    public_key_encrypted TEXT NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    UNIQUE (project_id, slug)
);

CREATE TABLE endpoints (
    id                 TEXT PRIMARY KEY,
    environment_id     TEXT NOT NULL REFERENCES environments (id),
    slug               TEXT NOT NULL,
    url                TEXT NOT NULL,
    indexing_hook_id   TEXT NOT NULL,
    version            TEXT NOT NULL,
    sdk_version        TEXT NOT NULL,
    execution_limit_ms BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    UNIQUE (environment_id, slug)
);

CREATE TABLE endpoint_indexes (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    endpoint_id    TEXT NOT NULL REFERENCES endpoints (id),
    source         TEXT NOT NULL,
    source_data    TEXT,
    reason         TEXT,
    status         TEXT NOT NULL,
    data           TEXT,
    stats          TEXT,
    error          TEXT,
    attempts       BIGINT NOT NULL DEFAULT 0,
    due_at         BIGINT,
    lease_owner    TEXT,
    lease_number   BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX endpoint_indexes_due ON endpoint_indexes (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX endpoint_indexes_leased ON endpoint_indexes (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX endpoint_indexes_endpoint ON endpoint_indexes (endpoint_id, id);

CREATE TABLE jobs (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    slug       TEXT NOT NULL,
    title      TEXT NOT NULL,
    internal   BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, slug)
);

-- A version of a job in an environment. latest marks the one that new runs take.
CREATE TABLE job_versions (
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments (id),
    job_id          TEXT NOT NULL REFERENCES jobs (id),
    endpoint_id     TEXT NOT NULL REFERENCES endpoints (id),
    version         TEXT NOT NULL,
    status          TEXT NOT NULL,
    latest          BOOLEAN NOT NULL,
    specification   TEXT NOT NULL,
    -- The limit that executions of it count towards; null for none.
    limit_key       TEXT,
    -- Which ends of its runs the app wants to be told of, as it last said.
    notify_success  BOOLEAN NOT NULL DEFAULT FALSE,
    notify_failure  BOOLEAN NOT NULL DEFAULT FALSE,
    -- Whether the app wants to be asked before a run of it begins.
    preprocess      BOOLEAN NOT NULL DEFAULT FALSE,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (job_id, environment_id, version)
);
CREATE UNIQUE INDEX job_versions_latest ON job_versions (job_id, environment_id) WHERE latest;
CREATE INDEX job_versions_endpoint ON job_versions (endpoint_id);

-- How many executions that share a key may be in flight at once.
CREATE TABLE concurrency_limits (
    key            TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    maximum        BIGINT NOT NULL
);

CREATE TABLE accounts (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    identifier     TEXT NOT NULL,
    metadata       TEXT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (environment_id, identifier)
);

-- No foreign keys from here on: these are the tables that grow, every writer of
-- them has just read the rows it names, and nothing they name is ever deleted
-- before them.
CREATE TABLE events (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    event_id       TEXT NOT NULL,
    name           TEXT NOT NULL,
    source         TEXT NOT NULL,
    payload        TEXT NOT NULL,
    context        TEXT NOT NULL,
    source_context TEXT,
    account_id     TEXT,
    is_test        BOOLEAN NOT NULL,
    internal       BOOLEAN NOT NULL,
    timestamp      BIGINT NOT NULL,
    deliver_at     BIGINT NOT NULL,
    delivered_at   BIGINT,
    cancelled_at   BIGINT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (environment_id, event_id)
);

CREATE TABLE runs (
    id                    TEXT PRIMARY KEY,
    environment_id        TEXT NOT NULL,
    job_id                TEXT NOT NULL,
    job_version_id        TEXT NOT NULL,
    endpoint_id           TEXT NOT NULL,
    event_id              TEXT NOT NULL,
    account_id            TEXT,
    status                TEXT NOT NULL,
    -- The result of a run that succeeded, the error of one that did not. Null
    -- when there is none, which is not the same as the JSON text null.
    output                TEXT,
    -- The task whose error failed the run.
    failed_task_id        TEXT,
    callback_url          TEXT,
    is_test               BOOLEAN NOT NULL,
    internal              BOOLEAN NOT NULL,
    execution_count       BIGINT NOT NULL DEFAULT 0,
    execution_failures    BIGINT NOT NULL DEFAULT 0,
    execution_duration_ms BIGINT NOT NULL DEFAULT 0,
    yielded_executions    TEXT,
    idle_yields           BIGINT NOT NULL DEFAULT 0,
    force_yield           BOOLEAN NOT NULL DEFAULT FALSE,
    -- Something the run waits for happened while it was executing.
    wake_requested        BOOLEAN NOT NULL DEFAULT FALSE,
    -- 0 for a run that goes on, 1 for one that starts: the former go first.
    priority              BIGINT NOT NULL,
    -- The concurrency limit that its executions count towards, and whether it
    -- waits for room in it. A run that does is not due; whoever makes room makes
    -- the oldest one due.
    limit_key             TEXT,
    parked                BOOLEAN NOT NULL DEFAULT FALSE,
    due_at                BIGINT,
    lease_owner           TEXT,
    lease_number          BIGINT NOT NULL DEFAULT 0,
    created_at            BIGINT NOT NULL,
    queued_at             BIGINT,
    -- When a run that has not begun is given up; null for never.
    expires_at            BIGINT,
    started_at            BIGINT,
    completed_at          BIGINT,
    updated_at            BIGINT NOT NULL
);
CREATE INDEX runs_due ON runs (priority, due_at, id) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
-- For when some endpoints are to be passed over.
CREATE INDEX runs_due_endpoint ON runs (endpoint_id, priority, due_at, id) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX runs_leased ON runs (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX runs_limited ON runs (limit_key) WHERE limit_key IS NOT NULL AND lease_owner IS NOT NULL;
CREATE INDEX runs_expiring ON runs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX runs_parked ON runs (limit_key, priority, id) WHERE parked;
CREATE INDEX runs_job ON runs (job_id, environment_id, id);
CREATE INDEX runs_event ON runs (event_id);

CREATE TABLE tasks (
    id                   TEXT PRIMARY KEY,
    environment_id       TEXT NOT NULL,
    run_id               TEXT NOT NULL,
    parent_id            TEXT,
    idempotency_key      TEXT NOT NULL,
    display_key          TEXT,
    name                 TEXT NOT NULL,
    icon                 TEXT,
    description          TEXT,
    status               TEXT NOT NULL,
    noop                 BOOLEAN NOT NULL,
    params               TEXT,
    properties           TEXT,
    output_properties    TEXT,
    -- What the task returned, or its error if it is ERRORED. Null when nothing.
    output               TEXT,
    -- What an operation learned beside its result: the answer's headers.
    context              TEXT,
    style                TEXT,
    redact               TEXT,
    operation            TEXT,
    callback_url         TEXT,
    child_execution_mode TEXT NOT NULL,
    attempts             BIGINT NOT NULL,
    delay_until          BIGINT,
    -- When a waiting task goes on by itself.
    due_at               BIGINT,
    -- When the server is to perform the task's operation next, and who is at it.
    operation_at         BIGINT,
    lease_owner          TEXT,
    lease_number         BIGINT NOT NULL DEFAULT 0,
    started_at           BIGINT NOT NULL,
    completed_at         BIGINT,
    UNIQUE (run_id, idempotency_key)
);
CREATE INDEX tasks_due ON tasks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_operations ON tasks (operation_at) WHERE operation_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX tasks_leased ON tasks (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX tasks_run ON tasks (run_id, id);

-- The attempts of a task that failed and were followed by another.
CREATE TABLE task_attempts (
    task_id    TEXT NOT NULL,
    number     BIGINT NOT NULL,
    error      TEXT NOT NULL,
    retry_at   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (task_id, number)
);

CREATE TABLE run_statuses (
    run_id     TEXT NOT NULL,
    key        TEXT NOT NULL,
    position   BIGINT NOT NULL,
    label      TEXT NOT NULL,
    state      TEXT,
    data       TEXT,
    history    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, key)
);

-- What is owed to a destination because a run ended. body is what was frozen in
-- the transaction that ended the run; every attempt carries these bytes.
CREATE TABLE notifications (
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    -- Where it goes: a URL, or the app's own endpoint (then url is empty).
    url             TEXT NOT NULL,
    endpoint_id     TEXT,
    status          TEXT NOT NULL,
    run_status      TEXT NOT NULL,
    body            TEXT NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    -- How far the automatic schedule has come, and its next time.
    scheduled_attempts BIGINT NOT NULL DEFAULT 0,
    scheduled_at    BIGINT,
    resend          BOOLEAN NOT NULL DEFAULT FALSE,
    due_at          BIGINT,
    lease_owner     TEXT,
    lease_number    BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    delivered_at    BIGINT
);
CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX notifications_leased ON notifications (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX notifications_run ON notifications (run_id);
CREATE INDEX notifications_environment ON notifications (environment_id, id);

CREATE TABLE notification_attempts (
    notification_id TEXT NOT NULL,
    number          BIGINT NOT NULL,
    cause           TEXT NOT NULL,
    started_at      BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL,
    http_status     BIGINT,
    response        TEXT,
    error           TEXT,
    next_attempt_at BIGINT,
    PRIMARY KEY (notification_id, number)
);
