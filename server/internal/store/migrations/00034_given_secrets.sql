-- Secrets that apps have chosen for their sources, by which they are recognised in what
-- their environment keeps.

-- On sources: a moment, as no row is written. The program fills it in as it opens the
-- database, because that takes the encryption key.
CREATE TABLE given_secrets (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    source_id TEXT NOT NULL REFERENCES trigger_sources (id),
    secret_encrypted TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX given_secrets_environment ON given_secrets (environment_id, id);
CREATE INDEX given_secrets_source ON given_secrets (source_id, id);

-- How often a secret was added to those of an environment, and for how many of those
-- what was kept before has been looked through: until both are the same, from where on
-- it goes on. On a million rows of any table: a moment here; the server then reads all
-- of them once, a page at a time, beside its other work.
CREATE TABLE secret_sweeps (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    number BIGINT NOT NULL,
    swept BIGINT NOT NULL,
    table_number BIGINT NOT NULL,
    after_key TEXT NOT NULL
);
INSERT INTO secret_sweeps (environment_id, number, swept, table_number, after_key)
SELECT id, 1, 0, 0, '' FROM environments
WHERE id IN (SELECT environment_id FROM trigger_sources UNION SELECT environment_id FROM http_endpoint_environments);
