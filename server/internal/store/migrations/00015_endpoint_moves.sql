-- Where an endpoint was before an indexing found it moved.

-- On a million indexings: a moment, as no row is rewritten.
ALTER TABLE endpoint_indexes ADD COLUMN moved_from TEXT;
