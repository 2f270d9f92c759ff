package apps

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// apply makes the jobs of an endpoint what its index says
// (docs/protocol/execution.md §10.4), and returns the jobs that it disabled.
func (r *Service) apply(tx *store.Tx, environment *model.Environment, e model.Endpoint, document protocol.Index) (stats Stats, gone []model.Job, err error) {
	stats = Stats{
		Sources: len(document.Sources), Webhooks: len(document.Webhooks), DynamicTriggers: len(document.DynamicTriggers),
		DynamicSchedules: len(document.DynamicSchedules), HTTPEndpoints: len(document.HTTPEndpoints),
	}
	listed := make(map[string]bool, len(document.Jobs))
	for _, job := range document.Jobs {
		if !job.Enabled {
			continue
		}
		listed[job.ID] = true
		if !job.Internal {
			stats.Jobs++
		}
		if err := r.enable(tx, environment, e, job); err != nil {
			return stats, nil, err
		}
	}
	replacedBy := ""
	if e.ReplacesURL != "" {
		replacedBy = e.URL
	}
	// Whatever else the endpoint had is disabled or gone from the app.
	versions, err := tx.LatestJobVersionsOfEndpoint(e.ID)
	if err != nil {
		return stats, nil, err
	}
	for _, version := range versions {
		if listed[version.Job.Slug] || version.Status == model.JobDisabled {
			continue
		}
		if err := tx.DisableJobVersion(version.ID, replacedBy); err != nil {
			return stats, nil, err
		}
		if err := r.jobChanged(tx, environment, version.Job); err != nil {
			return stats, nil, err
		}
		stats.DisabledJobs++
		gone = append(gone, version.Job)
	}
	return stats, gone, r.indexed(tx, environment, e, document)
}

func (r *Service) jobChanged(tx *store.Tx, environment *model.Environment, job model.Job) error {
	for _, reconciler := range r.config.Reconcilers {
		if err := reconciler.JobChanged(tx, environment, job); err != nil {
			return err
		}
	}
	return nil
}

func (r *Service) indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, document protocol.Index) error {
	for _, reconciler := range r.config.Reconcilers {
		if err := reconciler.Indexed(tx, environment, e, document); err != nil {
			return err
		}
	}
	return nil
}

// enable records a version of a job and settles which version new runs take.
func (r *Service) enable(tx *store.Tx, environment *model.Environment, e model.Endpoint, indexed protocol.IndexedJob) error {
	job, err := tx.UpsertJob(environment.Project.ID, model.Job{Slug: indexed.ID, Title: indexed.Name, Internal: indexed.Internal})
	if err != nil {
		return err
	}
	specification, err := json.Marshal(indexed)
	if err != nil {
		return err
	}
	limitKey, err := limitExecutions(tx, environment, job, indexed.ConcurrencyLimit)
	if err != nil {
		return err
	}
	if err := tx.UpsertJobVersion(store.JobVersion{
		EnvironmentID: environment.ID, Job: job, Version: indexed.Version, LimitKey: limitKey, Endpoint: e,
	}, specification); err != nil {
		return err
	}
	versions, err := tx.JobVersions(environment.ID, job.ID)
	if err != nil {
		return err
	}
	latest := slices.MaxFunc(versions, func(a, b store.JobVersion) int {
		if active := compareActive(a, b); active != 0 {
			return active
		}
		return compareVersions(a.Version, b.Version)
	})
	if !latest.Latest {
		if err := tx.SetLatest(environment.ID, job.ID, latest.ID); err != nil {
			return err
		}
	}
	return r.jobChanged(tx, environment, job)
}

// limitExecutions records the concurrency limit of a job, which is a number of its
// own or a group that jobs of the environment share, and returns its key
// (docs/protocol/execution.md §7.3).
func limitExecutions(tx *store.Tx, environment *model.Environment, job model.Job, raw json.RawMessage) (string, error) {
	if raw == nil || string(raw) == "null" {
		return "", nil
	}
	var group struct {
		ID    string `json:"id"`
		Limit int    `json:"limit"`
	}
	key := environment.ID + "/job/" + job.ID
	if err := json.Unmarshal(raw, &group.Limit); err != nil {
		if err := json.Unmarshal(raw, &group); err != nil {
			return "", err
		}
		key = environment.ID + "/group/" + group.ID
	}
	return key, tx.SetConcurrencyLimit(environment.ID, key, group.Limit)
}

func compareActive(a, b store.JobVersion) int {
	rank := map[model.JobVersionStatus]int{model.JobActive: 1}
	return cmp.Compare(rank[a.Status], rank[b.Status])
}

// compareVersions orders versions of three numbers by their numbers.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		x, errX := strconv.ParseUint(a, 10, 64)
		y, errY := strconv.ParseUint(b, 10, 64)
		if errX != nil || errY != nil {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(x, y)
	})
}
