package registry_test

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/servertest"
)

func TestWhatAnEnvironmentSaysOfAJobIsItsOwn(t *testing.T) {
	t.Parallel()
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		s := servertest.Start(t, servertest.Options{Database: database, Adjust: reachable})
		production, done := s.As(s.Key(protocol.Production).Secret), servertest.NewReceiver(t, s)
		index := func(client *servertest.Client, jobs ...string) *servertest.App {
			app := servertest.NewUnregisteredApp(t, s)
			app.SetIndex(servertest.Index(jobs...))
			app.Register(client, "app")
			return app
		}
		// Who says it first must not say it for the others: runs of an internal job
		// notify nobody.
		internal := strings.Replace(servertest.Job("order", "1.0.0"), `"A job"`, `"Mine","internal":true`, 1)
		index(s.Development(), internal, servertest.Job("dev-only", "1.0.0"))
		index(production, servertest.Job("order", "1.0.0"))
		index(s.Development(), internal, servertest.Job("dev-only", "1.0.0"))

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
