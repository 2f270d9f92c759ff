-- Columns that nothing reads: whether an app wants to be asked before a run, which the
-- protocol's reference never does; what is kept for each environment since 00018; the
-- document of each indexing; and when a process began.

-- On jobs, processes and indexings, which are few: a moment. SQLite rewrites the tables.
ALTER TABLE job_versions DROP COLUMN preprocess;
ALTER TABLE jobs DROP COLUMN title;
ALTER TABLE jobs DROP COLUMN internal;
ALTER TABLE endpoint_indexes DROP COLUMN data;
ALTER TABLE nodes DROP COLUMN started_at;
