-- What other services send to the apps: HTTP endpoints, webhooks, and requests that
-- wait for their app in order.

-- On environments, which are few: a moment.
-- What stands for an environment in addresses that other services are given.
ALTER TABLE environments ADD COLUMN shortcode TEXT NOT NULL DEFAULT '';
UPDATE environments SET shortcode = slug || '-' || substr(id, length(id) - 5);
CREATE UNIQUE INDEX environments_shortcode ON environments (project_id, shortcode);

-- An address at which anybody can call the apps of a project, and its secret, which
-- is made once and kept encrypted.
CREATE TABLE http_endpoints (
    id               TEXT PRIMARY KEY,
    project_id       TEXT NOT NULL REFERENCES projects (id),
    key              TEXT NOT NULL,
    secret_encrypted TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE (project_id, key)
);

-- What an app made of it in an environment. It is active while the app lists it.
CREATE TABLE http_endpoint_environments (
    http_endpoint_id          TEXT NOT NULL REFERENCES http_endpoints (id),
    environment_id            TEXT NOT NULL REFERENCES environments (id),
    endpoint_id               TEXT NOT NULL REFERENCES endpoints (id),
    active                    BOOLEAN NOT NULL,
    source                    TEXT NOT NULL,
    immediate_response_filter TEXT,
    skip_triggering_runs      BOOLEAN NOT NULL,
    created_at                BIGINT NOT NULL,
    updated_at                BIGINT NOT NULL,
    PRIMARY KEY (http_endpoint_id, environment_id)
);
CREATE INDEX http_endpoint_environments_endpoint ON http_endpoint_environments (endpoint_id);
CREATE INDEX http_endpoint_environments_environment ON http_endpoint_environments (environment_id, http_endpoint_id);

-- A webhook that an app registers with another service and receives at an HTTP
-- endpoint. It is listed while the app lists it, and active once the app has
-- registered it.
CREATE TABLE webhooks (
    id               TEXT PRIMARY KEY,
    environment_id   TEXT NOT NULL REFERENCES environments (id),
    endpoint_id      TEXT NOT NULL REFERENCES endpoints (id),
    http_endpoint_id TEXT NOT NULL REFERENCES http_endpoints (id),
    key              TEXT NOT NULL,
    params           TEXT NOT NULL,
    listed           BOOLEAN NOT NULL,
    active           BOOLEAN NOT NULL,
    -- What is registered, null before, and what is wanted.
    config           TEXT,
    desired_config   TEXT NOT NULL,
    -- How often the app was asked to register what is wanted since that was last
    -- done, and before when it is not asked again.
    registrations    BIGINT NOT NULL DEFAULT 0,
    register_after   BIGINT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE (environment_id, key)
);
CREATE INDEX webhooks_endpoint ON webhooks (endpoint_id);
CREATE INDEX webhooks_http_endpoint ON webhooks (http_endpoint_id, environment_id);

-- The queue of each source of requests that are delivered in order. Whoever changes
-- which delivery is a queue's first locks its row before.
CREATE TABLE source_queues (
    source_id      TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    last_number    BIGINT NOT NULL
);

-- Requests that wait for their app, or have been delivered to it. Only the first of
-- a source is ever due. No foreign keys, as this table grows.
CREATE TABLE source_deliveries (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    kind           TEXT NOT NULL,
    source_id      TEXT NOT NULL,
    number         BIGINT NOT NULL,
    status         TEXT NOT NULL,
    url            TEXT NOT NULL,
    method         TEXT NOT NULL,
    headers        TEXT NOT NULL,
    body           BYTEA NOT NULL,
    attempts       BIGINT NOT NULL DEFAULT 0,
    verified       BOOLEAN NOT NULL DEFAULT FALSE,
    error          TEXT,
    due_at         BIGINT,
    lease_owner    TEXT,
    lease_number   BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    delivered_at   BIGINT,
    UNIQUE (source_id, number)
);
CREATE INDEX source_deliveries_due ON source_deliveries (due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
CREATE INDEX source_deliveries_leased ON source_deliveries (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX source_deliveries_pending ON source_deliveries (source_id, number) WHERE status = 'PENDING';
