-- What the server refused to do for a run's tasks in its last execution, so that the
-- run can end with the reason.

-- On a million runs: a moment, as no row is rewritten.
ALTER TABLE runs ADD COLUMN refusals TEXT;
