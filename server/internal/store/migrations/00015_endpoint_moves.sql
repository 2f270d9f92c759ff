-- Where an endpoint was before an indexing found it moved.

-- +goose Up
-- On a million indexings: a moment, as no row is rewritten.
ALTER TABLE endpoint_indexes ADD COLUMN moved_from TEXT;

-- +goose Down
SELECT 1;
