package api_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestInvokingAJob(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"twice with one key makes one run": func(t *testing.T, s *harness.Server, app *harness.App) {
			key := app.Script(harness.Always(harness.Success("")))
			first := s.Development().Invoke("job", `{"payload":1}`, protocol.HeaderIdempotencyKey, key)
			s.Development().WaitRun(first, protocol.RunSuccess)
			s.Clock.Advance(24 * time.Hour)
			second := s.Development().Invoke("job", `{"payload":2,"options":{"callbackUrl":"http://127.0.0.1:1/"}}`, protocol.HeaderIdempotencyKey, key)
			if first != second {
				t.Errorf("the runs are %s and %s", first, second)
			}
		},
		"by many at once with one key makes one run": func(t *testing.T, s *harness.Server, app *harness.App) {
			key := app.Script(harness.Always(harness.Success("")))
			ids := make([]string, 24)
			var callers sync.WaitGroup
			for i := range ids {
				callers.Go(func() { ids[i] = s.Development().Invoke("job", `{}`, protocol.HeaderIdempotencyKey, key) })
			}
			callers.Wait()
			for _, id := range ids {
				if id == "" || id != ids[0] {
					t.Fatalf("the runs are %v", ids)
				}
			}
			s.Development().WaitRun(ids[0], protocol.RunSuccess)
			if n := len(app.Executions(ids[0])); n != 1 {
				t.Errorf("it was executed %d times", n)
			}
		},
		"without a key makes a run each time": func(t *testing.T, s *harness.Server, app *harness.App) {
			if first, second := s.Development().Invoke("job", `{}`), s.Development().Invoke("job", `{}`); first == second {
				t.Errorf("both are %s", first)
			}
		},
		"with the key of another job's run is refused": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(harness.Index(harness.Job("job", "1.0.0"), harness.Job("other", "1.0.0")))
			app.Register(s.Development(), "app")
			s.Development().Invoke("job", `{}`, protocol.HeaderIdempotencyKey, "shared")
			checkStatus(t, s.Development().Do("POST", "/api/v1/jobs/other/invoke", `{}`, protocol.HeaderIdempotencyKey, "shared"), 400)
		},
		"takes the highest version": func(t *testing.T, s *harness.Server, app *harness.App) {
			for _, version := range []string{"1.9.0", "1.10.0", "1.2.30"} {
				app.SetIndex(harness.Index(harness.Job("versioned", version)))
				app.Register(s.Development(), "app")
			}
			id := s.Development().Invoke("versioned", `{}`)
			s.Development().WaitRun(id, protocol.RunSuccess)
			if got := app.Executions(id)[0].Body.Job.Version; got != "1.10.0" {
				t.Errorf("the version is %s", got)
			}
			app.SetIndex(harness.Index(harness.Job("job", "1.0.0")))
			app.Register(s.Development(), "app")
		},
		"keeps what it was given, byte for byte but for spaces": func(t *testing.T, s *harness.Server, app *harness.App) {
			for given, want := range map[string]string{
				`{}`:                              `{}`,
				`{"payload":null}`:                `null`,
				`{"payload":0}`:                   `0`,
				`{"payload":"<\u00e9\u0000>"}`:    `"<\u00e9\u0000>"`,
				`{"payload":{"b":1.0,"a":1e400}}`: `{"b":1.0,"a":1e400}`,
				`{"payload":{"a":1,"a":2}}`:       `{"a":1,"a":2}`,
			} {
				id := app.Run(given, harness.Always(harness.Success("")))
				s.Development().WaitRun(id, protocol.RunSuccess)
				if got := string(app.Executions(id)[0].Body.Event.Payload); got != want {
					t.Errorf("the payload of %s is %s, want %s", given, got, want)
				}
			}
		},
		"works through a path with doubled slashes": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkStatus(t, s.Development().Do("POST", "//api/v1/jobs//job/invoke", `{}`), 200)
		},
	})
}

func TestRunsThatGoOnComeBeforeRunsThatStart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: oneExecution})
	app := harness.NewApp(t, s)
	var mu sync.Mutex
	var order []string
	note := func(name string, reply harness.Reply) harness.Step {
		return func(x *harness.Execution) harness.Reply {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, fmt.Sprint(name, x.Number))
			return reply
		}
	}
	release := make(chan struct{})
	busy := app.Run(nil, func(*harness.Execution) harness.Reply {
		<-release
		return harness.Yield("k")
	}, note("busy ", harness.Success("")))
	s.Wait("the only slot to be taken", func() bool { return len(app.Executions(busy)) == 1 })
	var runs []string
	for i := range 3 {
		runs = append(runs, app.Run(nil, note(fmt.Sprint("run ", i, " "), harness.Success(""))))
		s.Clock.Advance(time.Millisecond)
	}
	close(release)
	for _, id := range append(runs, busy) {
		s.Development().WaitRun(id, protocol.RunSuccess)
	}
	if got := fmt.Sprint(order); got != "[busy 2 run 0 1 run 1 1 run 2 1]" {
		t.Errorf("the order is %s", got)
	}
}
