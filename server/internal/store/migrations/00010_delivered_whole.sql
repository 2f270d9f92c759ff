-- Events are delivered whole.

-- +goose Up
-- On a million events: on PostgreSQL a moment; SQLite rewrites the table, seconds.
ALTER TABLE events DROP COLUMN delivered_to;

-- +goose Down
SELECT 1;
