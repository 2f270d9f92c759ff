package apps

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// oldAppTimeout is how long the app that is registered may take to show that it is
// still there.
const oldAppTimeout = 5 * time.Second

// Takeover is what a registration does to an app that has the same id and still
// answers at another URL. The zero value is for none.
type Takeover struct {
	// URL is where the other app is.
	URL string
	// Jobs are the jobs that only the other app has, by their ids: the registration
	// disables them.
	Jobs []string
}

// takeover finds out what registering a URL does to the app that has the slug. A
// redeploy at another URL is none: the app before is gone, or its jobs stay.
func (r *Service) takeover(ctx context.Context, environment *model.Environment, slug, url string) (Takeover, error) {
	registered, jobs, err := r.activeJobs(ctx, environment, slug)
	if err != nil || registered.URL == "" || registered.URL == url || len(jobs) == 0 {
		return Takeover{}, err
	}
	asking, cancel := context.WithTimeout(ctx, oldAppTimeout)
	defer cancel()
	if _, err := r.config.Caller.Ping(asking, target(environment, registered)); err != nil {
		return Takeover{}, nil
	}
	index, err := r.config.Caller.Index(ctx, target(environment, model.Endpoint{Slug: slug, URL: url}))
	switch {
	case err != nil && protects(environment):
		return Takeover{}, model.Errorf(model.Invalid, "The app at %s could not say what jobs it has: %v", shown(url), err)
	case err != nil:
		return Takeover{}, nil // the indexing that follows says so
	}
	for _, job := range index.Document.Jobs {
		if job.Enabled {
			jobs = slices.DeleteFunc(jobs, func(id string) bool { return id == job.ID })
		}
	}
	if len(jobs) == 0 {
		return Takeover{}, nil
	}
	return Takeover{URL: registered.URL, Jobs: jobs}, nil
}

// activeJobs returns the endpoint with a slug, and the ids of its jobs that take
// runs; a zero endpoint if there is none.
func (r *Service) activeJobs(ctx context.Context, environment *model.Environment, slug string) (e model.Endpoint, jobs []string, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		var found bool
		if e, found, err = tx.EndpointBySlug(environment.ID, slug); err != nil || !found {
			return err
		}
		versions, err := tx.LatestJobVersionsOfEndpoint(e.ID)
		for _, version := range versions {
			if version.Status == model.JobActive {
				jobs = append(jobs, version.Job.Slug)
			}
		}
		return err
	})
	return e, jobs, err
}

// protects reports whether an environment refuses takeovers. PREVIEW does not: each
// of its deployments has a URL of its own and stays, so there it is the rule.
func protects(environment *model.Environment) bool {
	return environment.Type == protocol.Production || environment.Type == protocol.Staging
}

// refuse returns the error for a takeover that the environment does not allow.
func (t Takeover) refuse(environment *model.Environment, slug, url string, replace bool) error {
	if len(t.Jobs) == 0 || replace || !protects(environment) {
		return nil
	}
	return model.Errorf(model.Conflict, "The endpoint id %q belongs to the app at %s, which still answers; with the app at %s in its place, %s would be disabled in %s. "+
		"Give each app an id of its own, or replace the old app: runhook register --replace, or \"replace\": true in the request",
		slug, shown(t.URL), shown(url), listed(t.Jobs), environment.Type)
}

func (t Takeover) log(log *slog.Logger, environment *model.Environment, e model.Endpoint, url string) {
	if len(t.Jobs) > 0 {
		log.Warn("an app took the endpoint id of another that still answers; jobs that only the other has are disabled",
			"endpoint", e.ID, "app", e.Slug, "environment", environment.ID, "url", shown(url), "replaced_url", shown(t.URL), "jobs", t.Jobs)
	}
}

// listed names jobs in a sentence.
func listed(jobs []string) string {
	const most = 10
	if len(jobs) == 1 {
		return "its job " + jobs[0]
	}
	if len(jobs) > most {
		return fmt.Sprintf("%d of its jobs, such as %s,", len(jobs), strings.Join(jobs[:most], ", "))
	}
	return "its jobs " + strings.Join(jobs, ", ")
}

// shown is a URL without what may be secret of it.
func shown(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return "its URL"
	}
	parsed.RawQuery = ""
	return parsed.Redacted()
}
