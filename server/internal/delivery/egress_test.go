package delivery_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnAddressThatIsNoLongerAllowedIsNotCalled(t *testing.T) {
	t.Parallel()
	options := harness.Options{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "runhook.db"), Clock: harness.NewClock(),
		Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.0/8" },
	}
	allowed := harness.Start(t, options)
	app := harness.NewUnregisteredApp(t, allowed)
	production := allowed.As(allowed.Key(protocol.Production).Secret)
	app.Register(production, "app")
	run := production.Invoke(harness.JobID, protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: "http://127.0.0.1:1/"}})
	first := production.WaitAttempt(run, 1)
	allowed.Stop()

	options.Adjust = nil
	strict := harness.Start(t, options)
	production = strict.As(strict.Key(protocol.Production).Secret)
	strict.Clock.AdvanceTo(first.NextAttemptAt.Add(time.Millisecond))
	n := production.WaitAttempt(run, 2)
	if n.Status != model.NotificationPending || !strings.Contains(n.Attempts[1].Error, "RUNHOOK_EGRESS_ALLOW") {
		t.Errorf("the notification is %+v", n)
	}
}
