package store

import (
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// SpecifiedVersion is a version of a job with what the app said of it.
type SpecifiedVersion struct {
	JobVersion
	// Specification is the job as the app's index had it, as JSON; nil unless new
	// runs take the version.
	Specification []byte
}

// versionBytes is how many bytes of an answer a version of a job takes, about.
const versionBytes = 100

// JobVersionsFrom returns every version of a page of the jobs of an environment, by the
// job's slug and then oldest first, beginning with the slug or the first after it, and
// the slug of the first job that is not on the page.
func (tx *Tx) JobVersionsFrom(environment *model.Environment, slug string, page Page) ([]SpecifiedVersion, string, error) {
	jobs, next, err := readPage(tx, listing[string]{
		columns: `j.id`,
		from: `FROM jobs j
			WHERE j.project_id = $1 AND j.slug >= $2
			  AND EXISTS (SELECT 1 FROM job_versions v WHERE v.job_id = j.id AND v.environment_id = $3)
			ORDER BY j.slug`,
		args: []any{environment.Project.ID, slug, environment.ID}, key: `j.slug`,
		size: fmt.Sprintf(`(SELECT COALESCE(SUM(CASE WHEN v.latest THEN octet_length(v.specification) ELSE 0 END + %d), 0)
			FROM job_versions v WHERE v.job_id = j.id AND v.environment_id = $3)`, versionBytes),
		scan: scanString,
	}, page)
	if err != nil || len(jobs) == 0 {
		return nil, "", err
	}
	in := tx.conn.Dialect().InList("$2")
	specifications := map[string]string{}
	_, err = collect(tx, `SELECT id, specification FROM job_versions WHERE environment_id = $1 AND latest AND job_id `+in,
		[]any{environment.ID, jsonList(jobs)}, func(rows database.Rows) (none struct{}, err error) {
			var id, specification string
			err = rows.Scan(&id, &specification)
			specifications[id] = specification
			return none, err
		})
	if err != nil {
		return nil, "", err
	}
	versions, err := collect(tx, jobVersionQuery+`WHERE v.environment_id = $1 AND v.job_id `+in+` ORDER BY j.slug, v.id`,
		[]any{environment.ID, jsonList(jobs)}, scanJobVersion)
	specified := make([]SpecifiedVersion, len(versions))
	for i, version := range versions {
		specified[i].JobVersion = version
		if specification, ok := specifications[version.ID]; ok {
			specified[i].Specification = []byte(specification)
		}
	}
	return specified, next, err
}
