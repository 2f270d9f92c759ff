package runs_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// full is a server on which one execution at a time is in flight, which hangs, and
// DEVELOPMENT has as many runs queued as it may.
type full struct {
	*harness.Server
	app *harness.App
	// queued is a run that waits, and key what it was invoked with.
	queued, key string
	// release has the execution that hangs end.
	release func()
}

const fullQueue = 3

func fill(t *testing.T, database string) full {
	s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
		c.Executions, c.QueuedRuns, c.EgressAllow = 1, fullQueue, "127.0.0.1"
	}})
	f := full{Server: s, app: harness.NewApp(t, s)}
	released := make(chan struct{})
	f.release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(f.release)
	hang := func(x *harness.Execution) harness.Reply {
		select {
		case <-released:
		case <-x.Done:
		}
		return harness.Success("")
	}
	f.app.Run(nil, hang)
	s.Wait("the execution that hangs", func() bool { return f.app.Calls(protocol.ActionExecuteJob) == 1 })
	for range fullQueue {
		f.key = f.app.Script(harness.Always(harness.Success("")))
		f.queued = s.Development().Invoke(harness.JobID, "{}", protocol.HeaderIdempotencyKey, f.key)
	}
	return f
}

func (f full) invoke(c *harness.Client, body string, headers ...string) harness.Answer {
	return c.Do("POST", "/api/v1/jobs/"+harness.JobID+"/invoke", body, headers...)
}

func TestAnEnvironmentWithTooManyQueuedRunsTakesNoMore(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		f := fill(t, database)
		development := f.Development()
		event := `{"event":{"id":"EVENT","name":"happened","payload":{}}}`
		for name, ask := range map[string]func() harness.Answer{
			"an invocation":  func() harness.Answer { return f.invoke(development, "{}") },
			"one with a key": func() harness.Answer { return f.invoke(development, "{}", protocol.HeaderIdempotencyKey, "new") },
			"an event":       func() harness.Answer { return development.Do("POST", "/api/v1/events", event) },
			"events in bulk": func() harness.Answer {
				return development.Do("POST", "/api/v1/events/bulk", `{"events":[{"id":"a","name":"n"},{"id":"b","name":"n"}]}`)
			},
			"a run that is again": func() harness.Answer {
				return development.Do("POST", "/api/runhook/v1/runs/"+f.queued+"/rerun", nil)
			},
			"a test": func() harness.Answer {
				return development.Do("POST", "/api/runhook/v1/jobs/"+harness.JobID+"/test", "{}")
			},
		} {
			checkBusy(t, f.Server, name, ask())
		}
		for _, id := range []string{"EVENT", "a", "b"} {
			if answer := development.Do("GET", "/api/v2/events/"+id, nil); answer.Status != http.StatusNotFound {
				t.Errorf("event %s was recorded: %s", id, answer.Body)
			}
		}
		f.release()
		development.WaitRun(f.queued, protocol.RunSuccess)
		f.Clock.Advance(2 * time.Second)
		development.OK("POST", "/api/v1/events", event, nil)
		development.WaitRun(f.app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
	})
}

func checkBusy(t *testing.T, s *harness.Server, name string, answer harness.Answer) {
	t.Helper()
	if answer.Status != http.StatusTooManyRequests {
		t.Errorf("%s answered %d: %s", name, answer.Status, answer.Body)
	}
	for _, want := range []string{"DEVELOPMENT has 3 runs queued", "--max-queued-runs", "RUNHOOK_MAX_QUEUED_RUNS"} {
		if !strings.Contains(answer.Error(), want) {
			t.Errorf("the error for %s does not say %q: %s", name, want, answer.Error())
		}
	}
	const seconds = 2
	reset := strconv.FormatInt(s.Clock.Now().Add(seconds*time.Second).UnixMilli(), 10)
	if got := answer.Header; got.Get("Retry-After") != strconv.Itoa(seconds) || got.Get("X-RateLimit-Reset") != reset {
		t.Errorf("%s is to be sent again after %q s, at %q; want %d, %s", name, got.Get("Retry-After"), got.Get("X-RateLimit-Reset"), seconds, reset)
	}
}

func TestWhatIsKnownOrCannotComeAgainIsTakenByAFullEnvironment(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		f := fill(t, database)
		development := f.Development()
		if id := development.Invoke(harness.JobID, "{}", protocol.HeaderIdempotencyKey, f.key); id != f.queued {
			t.Errorf("the same invocation again is run %s, not %s", id, f.queued)
		}
		later := `{"event":{"id":"LATER","name":"happened"},"options":{"deliverAfter":3600}}`
		development.OK("POST", "/api/v1/events", later, nil)
		again := `{"event":{"id":"LATER","name":"happened"}}`
		development.OK("POST", "/api/v1/events", again, nil)
		f.release()
		development.WaitRun(f.queued, protocol.RunSuccess)
	})
}

func TestAFullEnvironmentDoesNotStopAnother(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		f := fill(t, database)
		production := f.As(f.Key(protocol.Production).Secret)
		app := harness.NewUnregisteredApp(t, f.Server)
		app.Register(production, "app")
		checkBusy(t, f.Server, "an invocation", f.invoke(f.Development(), "{}"))
		key := app.Script(harness.Always(harness.Success("")))
		run := production.Invoke(harness.JobID, "{}", protocol.HeaderIdempotencyKey, key)
		production.OK("POST", "/api/v1/events", `{"event":{"name":"happened"}}`, nil)
		f.release()
		production.WaitRun(run, protocol.RunSuccess)
	})
}

// A run that waits for another one would wait for ever if that were refused.
func TestARunThatAnotherWaitsForIsTakenByAFullEnvironment(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.Executions, c.QueuedRuns = 1, 1 }})
	app := harness.NewApp(t, s)
	child := app.Script(harness.Always(harness.Success("")))
	var invoked, refused harness.Answer
	parent := app.Run(nil, func(x *harness.Execution) harness.Reply {
		app.Run(nil, harness.Always(harness.Success("")))
		refused = x.API.Do("POST", "/api/v1/jobs/"+harness.JobID+"/invoke", "{}")
		var task protocol.Task
		x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks", `{"idempotencyKey":"child","callback":{"enabled":true}}`, &task,
			protocol.HeaderIdempotencyKey, "child")
		invoked = x.API.Do("POST", "/api/v1/jobs/"+harness.JobID+"/invoke",
			map[string]any{"options": map[string]string{"callbackUrl": *task.CallbackURL}}, protocol.HeaderIdempotencyKey, child)
		return harness.Success("")
	})
	s.Development().WaitRun(parent, protocol.RunSuccess)
	if refused.Status != http.StatusTooManyRequests || invoked.Status != http.StatusOK {
		t.Errorf("a run for itself is answered %d, and one for another run %d: %s", refused.Status, invoked.Status, invoked.Body)
	}
}
