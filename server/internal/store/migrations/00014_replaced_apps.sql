-- Which app disabled a job by taking the endpoint id of the app that had it, so that
-- an invocation can say so.

-- On a million rows of a table: a moment, as no row is rewritten.
-- The URL of the app whose place an endpoint has taken, until its jobs are indexed.
ALTER TABLE endpoints ADD COLUMN replaces_url TEXT NOT NULL DEFAULT '';
-- The URL of the app that took the place of a job's app without having the job, and
-- when; null for a job that is not disabled, or for another reason.
ALTER TABLE job_versions ADD COLUMN replaced_by TEXT;
ALTER TABLE job_versions ADD COLUMN replaced_at BIGINT;
