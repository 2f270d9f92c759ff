-- On a million runs: takes a moment, as no row is rewritten.
--
-- asked_in is the number of the execution (its lease) that last asked for a task before
-- the task was completed; null for tasks that are older than this column, and for those
-- that the server made. not_asked says, as JSON, which recorded tasks the code of a run
-- that has ended did not ask for; null for none.
ALTER TABLE tasks ADD COLUMN asked_in BIGINT;
ALTER TABLE runs ADD COLUMN not_asked TEXT;
