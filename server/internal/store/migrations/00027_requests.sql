-- On a million requests of sources: reads and copies their sizes, seconds.
--
-- What others than holders of a key have sent and is kept: requests to HTTP endpoints,
-- by the id of their event, and those of webhooks and sources, by the id of their
-- delivery. bytes is what a request counts for. waiting is set until its app has dealt
-- with it, and unverified_at when it did and did not believe it.
CREATE TABLE requests (
    id             TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    bytes          BIGINT NOT NULL,
    waiting        BOOLEAN NOT NULL,
    unverified_at  BIGINT,
    created_at     BIGINT NOT NULL
);
CREATE INDEX requests_kept ON requests (environment_id, bytes);
CREATE INDEX requests_pending ON requests (environment_id, bytes) WHERE waiting;
CREATE INDEX requests_unverified ON requests (unverified_at) WHERE unverified_at IS NOT NULL;

INSERT INTO requests (id, environment_id, bytes, waiting, unverified_at, created_at)
SELECT id, environment_id, 1024 + LENGTH(body) + LENGTH(headers) + LENGTH(url), status = 'PENDING',
       CASE WHEN status <> 'PENDING' AND (status = 'GIVEN_UP' OR NOT verified) THEN updated_at END, created_at
FROM source_deliveries;
