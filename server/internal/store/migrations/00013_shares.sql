-- Whose operations, requests and indexings are due, so that those of one environment
-- do not keep the others waiting.

-- On a million rows of a table: a moment, as few of them are due.
CREATE INDEX tasks_environment_operations ON tasks (environment_id, operation_at) WHERE operation_at IS NOT NULL AND lease_owner IS NULL;
DROP INDEX tasks_operations;
CREATE INDEX source_deliveries_environment_due ON source_deliveries (environment_id, due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
DROP INDEX source_deliveries_due;
CREATE INDEX endpoint_indexes_environment_due ON endpoint_indexes (environment_id, due_at) WHERE due_at IS NOT NULL AND lease_owner IS NULL;
DROP INDEX endpoint_indexes_due;
