package runs_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const lifetime = 3 * time.Second

var mortal = protocol.InvokeJob{Options: &protocol.InvokeOptions{TimeToLiveInSeconds: lifetime.Seconds()}}

// wantExpired fails the test unless a run ends because its time to live is over.
func wantExpired(t *testing.T, s *harness.Server, run string) {
	t.Helper()
	s.Development().WaitRun(run, protocol.RunAborted)
	notified := s.Development().Run(run)
	if !strings.Contains(string(notified.Output), "time to live") {
		t.Errorf("the run's error is %s", notified.Output)
	}
}

// expireAll returns once every run that was invoked before and whose time to live is
// over has been looked at.
func expireAll(t *testing.T, s *harness.Server, app *harness.App) {
	t.Helper()
	last := app.Run(mortal, repeated(10, harness.Always(harness.HTTP(503, "")))...)
	s.Development().WaitRun(last, protocol.RunWaitingToExecute)
	s.Clock.Advance(lifetime)
	wantExpired(t, s, last)
}

func TestATimeToLive(t *testing.T) {
	t.Parallel()
	away := harness.Always(harness.HTTP(502, "<html>Bad Gateway</html>"))
	cases := harness.Cases{
		"runs out though executions were tried": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(mortal, repeated(10, away)...)
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.Advance(time.Second)
			s.Wait("the second attempt", func() bool { return len(app.Executions(id)) >= 2 })
			s.Clock.Advance(lifetime)
			wantExpired(t, s, id)
		},
		"runs out while an app keeps a call waiting": func(t *testing.T, s *harness.Server, app *harness.App) {
			release, letGo := context.WithCancel(t.Context())
			id := app.Run(mortal, func(*harness.Execution) harness.Reply {
				<-release.Done()
				return harness.Success(`"too late"`)
			})
			s.Wait("the call", func() bool { return len(app.Executions(id)) == 1 })
			s.Clock.Advance(lifetime)
			wantExpired(t, s, id)
			letGo()
			s.Wait("the answer", func() bool { return s.Development().Run(id).Status == protocol.RunAborted })
		},
		"is over once an execution has been answered": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(mortal, func(x *harness.Execution) harness.Reply {
				return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Hour))))
			}, harness.Always(harness.Success("1")))
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			expireAll(t, s, app)
			s.Clock.Advance(time.Hour)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"is over once the app has asked for a task": func(t *testing.T, s *harness.Server, app *harness.App) {
			release, letGo := context.WithCancel(t.Context())
			id := app.Run(mortal, func(x *harness.Execution) harness.Reply {
				x.Task("begun")
				<-release.Done()
				return harness.Success("1")
			})
			s.Wait("the task", func() bool { return len(s.Development().Run(id).Tasks) == 1 })
			expireAll(t, s, app)
			letGo()
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"is over when an aborted run is continued": func(t *testing.T, s *harness.Server, app *harness.App) {
			var continued atomic.Bool
			id := app.Run(mortal, repeated(10, func(*harness.Execution) harness.Reply {
				if !continued.Load() {
					return harness.HTTP(502, "")
				}
				return harness.Success("1")
			})...)
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Clock.Advance(lifetime)
			wantExpired(t, s, id)
			continued.Store(true)
			s.Development().OK("POST", "/api/runhook/v1/runs/"+id+"/continue", nil, nil)
			s.Development().WaitRun(id, protocol.RunSuccess)
		},
		"leaves a canceled run canceled": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(mortal, repeated(10, away)...)
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			s.Development().OK("POST", "/api/v1/runs/"+id+"/cancel", nil, nil)
			expireAll(t, s, app)
			if run := s.Development().Run(id); run.Status != protocol.RunCanceled {
				t.Errorf("the run is %s", run.Status)
			}
		},
	}
	harness.RunCases(t, cases)
}
