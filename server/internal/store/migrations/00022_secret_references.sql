-- By what a secret of an HTTP endpoint or a source is recognised in what apps say.

-- On HTTP endpoints and sources: a moment, as no row is rewritten. The program fills
-- them in as it opens the database, because that takes the encryption key. They are
-- hashes of secrets that the server made, which are too long to be guessed.
ALTER TABLE http_endpoint_environments ADD COLUMN secret_hash TEXT;
ALTER TABLE trigger_sources ADD COLUMN secret_hash TEXT;
CREATE INDEX http_endpoint_environments_secret ON http_endpoint_environments (secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX trigger_sources_secret ON trigger_sources (secret_hash) WHERE secret_hash IS NOT NULL;
-- The event that last asked an app to register a source.
ALTER TABLE trigger_sources ADD COLUMN registration_event TEXT;
