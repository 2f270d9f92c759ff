package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// listedJob is a job as our own API tells it.
type listedJob struct {
	ID       string                 `json:"id"`
	Name     string                 `json:"name"`
	Internal bool                   `json:"internal"`
	Version  string                 `json:"version"`
	Status   model.JobVersionStatus `json:"status"`
	// Endpoint is the id of the app's client.
	Endpoint         string          `json:"endpoint"`
	Trigger          json.RawMessage `json:"trigger"`
	ConcurrencyLimit json.RawMessage `json:"concurrencyLimit,omitempty"`
	Versions         []jobVersion    `json:"versions"`
}

type jobVersion struct {
	Version string                 `json:"version"`
	Status  model.JobVersionStatus `json:"status"`
	Latest  bool                   `json:"latest"`
}

// jobFilter says which jobs to list. Empty fields let all through.
type jobFilter struct {
	slug, endpoint string
	trigger        protocol.TriggerType
	status         model.JobVersionStatus
	// cursor is the id of the first job of the page.
	cursor string
	limit  int
}

// listJobs is GET /api/runhook/v1/jobs: the jobs of the environment by their ids,
// with what the version that new runs take says of itself. It has the filters slug,
// trigger (the kind of it), status and endpoint, and the paging parameters cursor
// and take.
func (a *API) listJobs(w http.ResponseWriter, r *request) error {
	filter, err := readJobFilter(r)
	if err != nil {
		return err
	}
	page := struct {
		Jobs       []*listedJob `json:"jobs"`
		NextCursor string       `json:"nextCursor,omitempty"`
	}{}
	err = a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		page.Jobs, page.NextCursor, err = jobPage(tx, r.environment, filter)
		return err
	})
	if err != nil {
		return err
	}
	return okReadable(w, page)
}

func readJobFilter(r *request) (filter jobFilter, err error) {
	query := r.URL.Query()
	filter = jobFilter{slug: query.Get("slug"), endpoint: query.Get("endpoint"), cursor: query.Get("cursor")}
	if filter.limit, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return filter, err
	}
	kinds := []protocol.TriggerType{"", protocol.TriggerStatic, protocol.TriggerScheduled, protocol.TriggerDynamic, protocol.TriggerInvoke}
	if filter.trigger, err = oneOf(r, "trigger", kinds); err != nil {
		return filter, err
	}
	filter.status, err = oneOf(r, "status", []model.JobVersionStatus{"", model.JobActive, model.JobDisabled})
	return filter, err
}

// oneOf returns a query parameter that must be one of some values, the first of
// which stands for its absence.
func oneOf[T ~string](r *request, name string, values []T) (T, error) {
	value := T(r.URL.Query().Get(name))
	if !slices.Contains(values, value) {
		return "", model.Errorf(model.Invalid, "Invalid query parameter: %s must be one of %v, not %q", name, values[1:], string(value))
	}
	return value, nil
}

// jobPage returns the jobs of a page and the id of the first of the next; empty at
// the end.
func jobPage(tx *store.Tx, environment *model.Environment, filter jobFilter) (page []*listedJob, next string, err error) {
	page = []*listedJob{}
	from, read := max(filter.cursor, filter.slug), mostPage
	if filter.slug != "" {
		read = 1
	}
	for {
		// One more says where the next are.
		versions, err := tx.JobVersionsFrom(environment, from, read+1)
		if err != nil {
			return nil, "", err
		}
		jobs := tellJobs(versions)
		for _, job := range jobs[:min(read, len(jobs))] {
			if !filter.match(job) {
				continue
			}
			if len(page) == filter.limit {
				return page, job.ID, nil
			}
			page = append(page, job)
		}
		if len(jobs) <= read || filter.slug != "" {
			return page, "", nil
		}
		from = jobs[read].ID
	}
}

// tellJobs makes jobs of their versions, which stand by the jobs' ids.
func tellJobs(versions []store.SpecifiedVersion) (jobs []*listedJob) {
	for _, v := range versions {
		if len(jobs) == 0 || jobs[len(jobs)-1].ID != v.Job.Slug {
			jobs = append(jobs, &listedJob{ID: v.Job.Slug, Name: v.Job.Title, Internal: v.Job.Internal, Trigger: json.RawMessage("null")})
		}
		job := jobs[len(jobs)-1]
		job.Versions = append(job.Versions, jobVersion{v.Version, v.Status, v.Latest})
		if !v.Latest {
			continue
		}
		job.Version, job.Status, job.Endpoint = v.Version, v.Status, v.Endpoint.Slug
		var specification protocol.IndexedJob
		if err := json.Unmarshal(v.Specification, &specification); err != nil {
			// It does not keep the other jobs from being shown.
			specification = protocol.IndexedJob{Trigger: noteOf(err.Error())}
		}
		job.Trigger, job.ConcurrencyLimit = specification.Trigger, specification.ConcurrencyLimit
	}
	return jobs
}

func (f jobFilter) match(job *listedJob) bool {
	var trigger protocol.Trigger
	if f.trigger != "" {
		if json.Unmarshal(job.Trigger, &trigger) != nil {
			return false
		}
	}
	return (f.slug == "" || f.slug == job.ID) && (f.endpoint == "" || f.endpoint == job.Endpoint) &&
		(f.status == "" || f.status == job.Status) && trigger.Type == f.trigger
}
