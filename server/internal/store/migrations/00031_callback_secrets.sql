-- A task keeps the secret of its callback URL, and not where servers were reached when
-- the task was made: the URL that is handed out begins with where they are reached now.
--
-- On a million tasks that take a callback: rewrites each, some seconds.
ALTER TABLE tasks RENAME COLUMN callback_url TO callback_secret;
UPDATE tasks SET callback_secret = SUBSTR(callback_secret, LENGTH(callback_secret) - 23) WHERE callback_secret IS NOT NULL;

-- Rows of before 00020 say by their URL only which task is to be completed. It ends with
-- the task's id (26 characters), /callback/ (10) and the secret (24).
--
-- On a million rows of each table: reads them once, and rewrites those; some seconds.
UPDATE runs SET callback_task_id = (
    SELECT t.id FROM tasks t
    WHERE t.id = SUBSTR(callback_url, LENGTH(callback_url) - 59, 26) AND t.callback_secret = SUBSTR(callback_url, LENGTH(callback_url) - 23))
WHERE callback_task_id IS NULL AND callback_url LIKE '%/api/v1/tasks/%/callback/%';
UPDATE notifications SET task_id = (
    SELECT t.id FROM tasks t
    WHERE t.id = SUBSTR(url, LENGTH(url) - 59, 26) AND t.callback_secret = SUBSTR(url, LENGTH(url) - 23))
WHERE task_id IS NULL AND subscription_id IS NULL AND url LIKE '%/api/v1/tasks/%/callback/%';
UPDATE event_waits SET task_id = (
    SELECT t.id FROM tasks t
    WHERE t.id = SUBSTR(url, LENGTH(url) - 59, 26) AND t.callback_secret = SUBSTR(url, LENGTH(url) - 23))
WHERE task_id IS NULL AND url LIKE '%/api/v1/tasks/%/callback/%';
UPDATE event_waits SET run_id = (SELECT t.run_id FROM tasks t WHERE t.id = task_id) WHERE task_id IS NOT NULL;

-- A task has one wait, whatever its URL begins with.
UPDATE dispatchers SET target_id = (SELECT 'task_' || w.task_id FROM event_waits w WHERE w.id = dispatchers.id)
WHERE id IN (SELECT MIN(w.id) FROM event_waits w JOIN dispatchers d ON d.id = w.id WHERE w.task_id IS NOT NULL GROUP BY d.environment_id, w.task_id);
UPDATE dispatcher_events SET target_id = (SELECT d.target_id FROM dispatchers d WHERE d.id = dispatcher_id)
WHERE dispatcher_id IN (SELECT w.id FROM event_waits w WHERE w.task_id IS NOT NULL);
