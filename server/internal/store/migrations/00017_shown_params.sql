-- A task's params with the secrets in them masked, written with the task, so that the
-- transaction that ends a run need not mask them.

-- On a million tasks: a moment, as no row is rewritten. Those of before have none:
-- what must be masked in them is masked when they are shown.
ALTER TABLE tasks ADD COLUMN shown_params TEXT;
