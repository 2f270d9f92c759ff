package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// listedJob is a job as our own API returns it.
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
	return answerList(a, w, r, listAnswer[*listedJob]{"jobs", filter.limit, func(tx *store.Tx, page store.Page) ([]*listedJob, string, error) {
		return jobPage(tx, r.environment, filter, page)
	}})
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
// the end. What is rare is looked for a piece at a time: a page may have fewer jobs than
// asked for, even none, before the end.
func jobPage(tx *store.Tx, environment *model.Environment, filter jobFilter, page store.Page) (found []*listedJob, next string, err error) {
	from := max(filter.cursor, filter.slug)
	page.Items = mostPage
	if filter.slug != "" {
		page.Items = 1
	}
	// Jobs that do not match are loaded, too.
	loaded, reserve := int64(0), page.Reserve
	page.Reserve = func(bytes int64) error {
		loaded += bytes
		return reserve(bytes)
	}
	for loaded == 0 || loaded < page.Bytes {
		versions, next, err := tx.JobVersionsFrom(environment, from, page)
		if err != nil {
			return nil, "", err
		}
		for _, job := range encodeJobs(versions) {
			if !filter.match(job) {
				continue
			}
			if len(found) == filter.limit {
				return found, job.ID, nil
			}
			found = append(found, job)
		}
		if next == "" || filter.slug != "" {
			return found, "", nil
		}
		from = next
	}
	return found, from, nil
}

// encodeJobs makes jobs of their versions, which are ordered by the jobs' ids.
func encodeJobs(versions []store.SpecifiedVersion) (jobs []*listedJob) {
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
