-- Finds the run whose end completes a task, to say why the task's run does not move.
--
-- On a million runs: some seconds, in which runs can be read and, on PostgreSQL, not
-- written. Only runs that other runs wait for have an entry.
CREATE INDEX runs_callback_task ON runs (callback_task_id) WHERE callback_task_id IS NOT NULL;
CREATE INDEX run_callers_task ON run_callers (task_id) WHERE task_id IS NOT NULL;
