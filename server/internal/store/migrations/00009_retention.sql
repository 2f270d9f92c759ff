-- What is old leaves.

-- On a million runs: takes a moment, as no row is rewritten.
-- When the payloads and the details of an old run were removed; null for not yet.
ALTER TABLE runs ADD COLUMN trimmed_at BIGINT;

-- Work that one process at a time does for all, such as removing what is old.
CREATE TABLE turns (
    name       TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
