-- What starts runs: events that are delivered to those who listen for them.

-- On a million events: takes a moment, as no row is rewritten; the indexes are of
-- no rows.
-- The payload is a request to an HTTP endpoint, which filters look into.
ALTER TABLE events ADD COLUMN is_request BOOLEAN NOT NULL DEFAULT FALSE;
-- A delivery that is due or under way, and how far that has come: the last target
-- that was looked at.
ALTER TABLE events ADD COLUMN due_at BIGINT;
ALTER TABLE events ADD COLUMN lease_owner TEXT;
ALTER TABLE events ADD COLUMN lease_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN delivered_to TEXT;
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX events_leased ON events (lease_owner) WHERE lease_owner IS NOT NULL;

-- Who listens for events. What a match starts is the target's: runs of a job. A
-- filter that is null matches everything.
CREATE TABLE dispatchers (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    kind           TEXT NOT NULL,
    target_id      TEXT NOT NULL,
    payload_filter TEXT,
    context_filter TEXT,
    -- Only events of this account match; null for those of any and none.
    account_id     TEXT,
    enabled        BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (environment_id, target_id)
);

-- The events that a dispatcher listens for, so that an event is matched only with
-- those who listen for its name, in the order of their targets.
CREATE TABLE dispatcher_events (
    environment_id TEXT NOT NULL,
    name           TEXT NOT NULL,
    source         TEXT NOT NULL,
    target_id      TEXT NOT NULL,
    dispatcher_id  TEXT NOT NULL REFERENCES dispatchers (id) ON DELETE CASCADE,
    PRIMARY KEY (environment_id, name, source, target_id)
);
CREATE INDEX dispatcher_events_dispatcher ON dispatcher_events (dispatcher_id);
