-- Waits for events, the key-value store, and the sources of dynamic triggers.

-- On a million events: reads the table once, seconds.
CREATE INDEX events_environment ON events (environment_id, id);

-- Whoever waits for one event: the dispatcher of a URL that is told of the first
-- that matches. While there is none, due_at is when the wait is over; once there
-- is one, when to tell it.
CREATE TABLE event_waits (
    -- That of its dispatcher.
    id           TEXT PRIMARY KEY REFERENCES dispatchers (id) ON DELETE CASCADE,
    url          TEXT NOT NULL,
    -- The run whose task the URL calls back; null for a URL of others.
    run_id       TEXT,
    event_id     TEXT REFERENCES events (id),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       BIGINT,
    lease_owner  TEXT,
    lease_number BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX event_waits_due ON event_waits (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX event_waits_leased ON event_waits (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX event_waits_run ON event_waits (run_id) WHERE run_id IS NOT NULL;

-- What apps keep between runs: text by name.
CREATE TABLE key_values (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    name           TEXT NOT NULL,
    value          TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (environment_id, name)
);

-- A trigger to which an app adds rules as it runs, and the jobs that whatever
-- matches one starts. active is set while the app has it.
CREATE TABLE dynamic_triggers (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    endpoint_id    TEXT NOT NULL REFERENCES endpoints (id),
    slug           TEXT NOT NULL,
    active         BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (endpoint_id, slug)
);

CREATE TABLE dynamic_trigger_jobs (
    dynamic_trigger_id TEXT NOT NULL REFERENCES dynamic_triggers (id) ON DELETE CASCADE,
    job_id             TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (dynamic_trigger_id, job_id)
);

-- What another service sends requests of to an app, which makes events of them.
-- Those of a dynamic trigger are made as the app runs, the others by its index.
CREATE TABLE trigger_sources (
    id                 TEXT PRIMARY KEY,
    environment_id     TEXT NOT NULL REFERENCES environments (id),
    endpoint_id        TEXT NOT NULL REFERENCES endpoints (id),
    key                TEXT NOT NULL,
    channel            TEXT NOT NULL,
    integration        TEXT NOT NULL,
    params             TEXT NOT NULL,
    -- Lists of values by name, as JSON: what the app wants of the service, and
    -- what it has registered with it.
    options            TEXT NOT NULL,
    registered_options TEXT NOT NULL,
    data               TEXT,
    metadata           TEXT,
    secret_encrypted   TEXT NOT NULL,
    dynamic_trigger_id TEXT REFERENCES dynamic_triggers (id),
    dynamic_key        TEXT,
    account_id         TEXT REFERENCES accounts (id),
    -- listed while the app has it, active once it is registered with the service.
    listed             BOOLEAN NOT NULL,
    active             BOOLEAN NOT NULL,
    -- How often the app was asked to register it in a row, and when it may be asked
    -- again.
    registrations      INTEGER NOT NULL DEFAULT 0,
    register_after     BIGINT NOT NULL DEFAULT 0,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    UNIQUE (environment_id, key)
);
CREATE INDEX trigger_sources_listed ON trigger_sources (endpoint_id) WHERE listed AND dynamic_trigger_id IS NULL;
CREATE INDEX trigger_sources_endpoint ON trigger_sources (endpoint_id);
