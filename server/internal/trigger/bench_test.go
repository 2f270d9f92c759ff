package trigger_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/node"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/testpostgres"
	"github.com/runhook/runhook/server/internal/trigger"
)

// BenchmarkSend sends events, one after another, that match three of the
// dispatchers of an environment. What it takes must not grow with the others.
func BenchmarkSend(b *testing.B) {
	databases := map[string]func() string{
		"SQLite":     func() string { return "sqlite:" + filepath.Join(b.TempDir(), "runhook.db") },
		"PostgreSQL": func() string { return testpostgres.URL(b) },
	}
	for name, database := range databases {
		for _, others := range []int{0, 10_000} {
			b.Run(fmt.Sprintf("%s/%d others", name, others), func(b *testing.B) {
				s := newScene(b, database())
				s.listen(b, "sent", 3)
				for i := range others {
					s.listen(b, fmt.Sprint("other-", i), 1)
				}
				event := trigger.NewEvent{Name: "sent", Payload: []byte(`{"order":{"total":120,"country":"DE"}}`)}
				for b.Loop() {
					if _, err := s.service.Send(b.Context(), s.environment, []trigger.NewEvent{event}, trigger.SendOptions{}); err != nil {
						b.Fatal(err)
					}
				}
				if got, want := s.started, 3*b.N; got != want {
					b.Fatalf("%d runs were started, want %d", got, want)
				}
			})
		}
	}
}

// scene is a service on a store of its own, with an environment.
type scene struct {
	store       *store.Store
	service     *trigger.Service
	environment *model.Environment
	endpoint    model.Endpoint
	jobs        int
	started     int
}

func newScene(b *testing.B, database string) *scene {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	opened, err := store.Open(b.Context(), store.Options{URL: database, Clock: clock.System{}, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { opened.Close() })
	s := &scene{store: opened}
	s.update(b, func(tx *store.Tx) error {
		return tx.CreateProject(model.Organization{ID: "org_1", Slug: "o"}, model.Project{ID: "proj_1", Slug: "p"},
			[]store.NewEnvironment{{Slug: "dev", Type: protocol.Development, APIKey: "tr_dev_a", PublicKey: "pk_dev_a"}})
	})
	s.update(b, func(tx *store.Tx) error {
		environments, err := tx.Environments()
		if err != nil {
			return err
		}
		s.environment = environments[0]
		s.endpoint, err = tx.UpsertEndpoint(model.Endpoint{ID: "endpoint_1", EnvironmentID: s.environment.ID, Slug: "app"})
		return err
	})
	process, err := node.Register(b.Context(), opened, clock.System{}, log, func() {})
	if err != nil {
		b.Fatal(err)
	}
	s.service = trigger.New(trigger.Config{Store: opened, Node: process, Runs: s, Clock: clock.System{}, Log: log})
	return s
}

func (s *scene) update(b *testing.B, fn func(tx *store.Tx) error) {
	b.Helper()
	if err := s.store.Update(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}

// listen makes jobs that listen for an event, with a filter that it passes.
func (s *scene) listen(b *testing.B, name string, jobs int) {
	b.Helper()
	const specification = `{"trigger":{"type":"static","rule":{"event":%q,"source":"trigger.dev",
		"payload":{"order":{"total":[{"$gt":100}],"country":["DE","AT"]}}}}}`
	s.update(b, func(tx *store.Tx) error {
		for range jobs {
			s.jobs++
			job, err := tx.UpsertJob(s.environment.Project.ID, model.Job{Slug: fmt.Sprint("job-", s.jobs)})
			if err != nil {
				return err
			}
			version := store.JobVersion{EnvironmentID: s.environment.ID, Job: job, Version: "1.0.0", Endpoint: s.endpoint}
			if err := tx.UpsertJobVersion(version, fmt.Appendf(nil, specification, name)); err != nil {
				return err
			}
			versions, err := tx.JobVersions(s.environment.ID, job.ID)
			if err != nil {
				return err
			}
			if err := tx.SetLatest(s.environment.ID, job.ID, versions[0].ID); err != nil {
				return err
			}
			if err := s.service.JobChanged(tx, s.environment, job); err != nil {
				return err
			}
		}
		return nil
	})
}

// StartRun counts the run, and stores none: what a run costs is not measured here.
func (s *scene) StartRun(*store.Tx, *model.Environment, store.JobVersion, model.Event, *model.Account) (string, error) {
	s.started++
	return "", nil
}

func (s *scene) Refusal(context.Context, *model.Environment) (refused, err error) { return nil, nil }

func (s *scene) Cancel(context.Context, *model.Environment, string) error { return nil }
