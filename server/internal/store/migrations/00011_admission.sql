-- How many runs of an environment wait to begin, and whose turn it is.

-- On a million runs: takes some seconds for each index.
-- The runs that wait to begin, to be counted without looking at any other.
CREATE INDEX runs_queued ON runs (environment_id, status) WHERE status = 'QUEUED';
-- For when some environments or endpoints are to be passed over.
CREATE INDEX runs_due_endpoints ON runs (environment_id, endpoint_id, priority, due_at, id) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
DROP INDEX runs_due_endpoint;
