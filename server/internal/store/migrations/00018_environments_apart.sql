-- What one environment could learn or change of another, as a project had it once.

-- On HTTP endpoints, which are few: a moment. The secret of an HTTP endpoint in an
-- environment. The program fills it in as it opens the database, because that takes
-- the encryption key: PRODUCTION keeps what http_endpoints has, which is read no more,
-- and the others get their own.
ALTER TABLE http_endpoint_environments ADD COLUMN secret_encrypted TEXT;

-- On versions of jobs, which are few: a moment. The columns of jobs are read no more.
ALTER TABLE job_versions ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE job_versions ADD COLUMN internal BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE job_versions SET
    title = (SELECT j.title FROM jobs j WHERE j.id = job_versions.job_id),
    internal = (SELECT j.internal FROM jobs j WHERE j.id = job_versions.job_id);
