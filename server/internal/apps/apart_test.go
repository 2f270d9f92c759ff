package apps_test

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestWhatAnEnvironmentSaysOfAJobIsItsOwn(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: reachable})
		production, done := s.As(s.Key(protocol.Production).Secret), harness.NewReceiver(t, s)
		index := func(client *harness.Client, jobs ...string) *harness.App {
			app := harness.NewUnregisteredApp(t, s)
			app.SetIndex(harness.Index(jobs...))
			app.Register(client, "app")
			return app
		}
		// Who says it first must not say it for the others: runs of an internal job
		// have no callback.
		internal := strings.Replace(harness.Job("order", "1.0.0"), `"A job"`, `"Mine","internal":true`, 1)
		index(s.Development(), internal, harness.Job("dev-only", "1.0.0"))
		index(production, harness.Job("order", "1.0.0"))
		index(s.Development(), internal, harness.Job("dev-only", "1.0.0"))

		var listed struct {
			Jobs []struct {
				ID, Name string
				Internal bool
			}
		}
		production.OK("GET", "/api/runhook/v1/jobs", nil, &listed)
		if len(listed.Jobs) != 1 || listed.Jobs[0].Name != "A job" || listed.Jobs[0].Internal {
			t.Errorf("PRODUCTION has the jobs %+v", listed.Jobs)
		}
		made := production.Subscribe(done.URL, nil)
		done.Trust(receiver.Config{Secrets: []string{made.Secret}})
		run := production.Invoke("order", "{}")
		production.WaitRun(run, protocol.RunSuccess)
		production.WaitSubscribed(made.ID, 1)
	})
}
