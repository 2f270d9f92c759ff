-- Waits for events, the key-value store, and the sources of dynamic triggers.

-- +goose Up
-- On a million events: reads the table once, seconds.
CREATE INDEX events_environment ON events (environment_id, id);

-- Whoever waits for one event: the dispatcher of a URL that is told of the first
-- that matches. While there is none, due_at is when the wait is over; once there
-- is one, when to tell it.
CREATE TABLE event_waits (
    dispatcher_id TEXT PRIMARY KEY REFERENCES dispatchers (id) ON DELETE CASCADE,
    url           TEXT NOT NULL,
    -- The run whose task the URL calls back; null for a URL of others.
    run_id        TEXT,
    event_id      TEXT REFERENCES events (id),
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        BIGINT,
    lease_owner   TEXT,
    lease_number  BIGINT NOT NULL DEFAULT 0
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
