package api_test

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// again invokes the job that has the run of a key with the key once more, as another
// caller does.
func again(s *harness.Server, key, callbackURL string) string {
	return s.Development().Invoke(harness.JobID, protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: callbackURL}},
		protocol.HeaderIdempotencyKey, key)
}

func TestEveryCallerOfAKnownIdempotencyKeyIsNotified(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		var receivers []*harness.Receiver
		for range 4 {
			receivers = append(receivers, harness.NewReceiver(t, s))
		}
		var callback string
		key := app.Script(func(x *harness.Execution) harness.Reply {
			task := x.Task("ask", harness.Callback(3600))
			callback = *task.CallbackURL
			return harness.Resume(task)
		}, harness.Always(harness.Success(`{"n":12345678901234567890}`)))
		run := again(s, key, "") // nothing waits
		s.Development().WaitRun(run, protocol.RunWaitingToContinue)
		for _, early := range []int{0, 1, 0} {
			if got := again(s, key, receivers[early].URL); got != run {
				t.Fatalf("the key stands for run %s, want %s", got, run)
			}
		}
		s.As("").Do("POST", callback[len(s.URL):], `1`)
		first := receivers[0].WaitFor(1)
		receivers[1].WaitFor(1)
		for _, late := range []int{2, 3, 1, 2} { // those whom the run has are not added again
			again(s, key, receivers[late].URL)
		}
		receivers[2].WaitFor(1)
		receivers[3].WaitFor(1)
		ids := map[string]bool{}
		for i, receiver := range receivers {
			delivered := receiver.Delivered()
			if len(delivered) != 1 || string(delivered[0].Body) != string(first.Body) {
				t.Errorf("receiver %d got %d notifications: %s, want one that is %s", i, len(delivered), delivered[0].Body, first.Body)
			}
			ids[delivered[0].Delivery.ID] = true
		}
		if len(ids) != len(receivers) {
			t.Errorf("the notifications have the ids %v, want one for each caller", ids)
		}
		checkDoctor(t, s)
	})
}

func TestABodyWithoutACallerIsFrozenForTheFirstCaller(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		key := app.Script(harness.Always(harness.Success(`"done"`)))
		run := again(s, key, "")
		s.Development().WaitRun(run, protocol.RunSuccess)
		one, other := harness.NewReceiver(t, s), harness.NewReceiver(t, s)
		again(s, key, one.URL)
		again(s, key, other.URL)
		if got := one.WaitFor(1); string(got.Notification.Output) != `"done"` || string(got.Body) != string(other.WaitFor(1).Body) {
			t.Errorf("they got %s and %s", got.Body, other.Delivered()[0].Body)
		}
		checkDoctor(t, s)
	})
}

func TestTwoParentsThatInvokeWithOneKeyBothContinue(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		child := app.Script(harness.Always(harness.Success(`"child"`)))
		var parents []string
		for range 3 { // the last ones invoke a run that has ended
			parent := app.Run(nil, func(x *harness.Execution) harness.Reply {
				task := x.Task("invoke", harness.Callback(3600))
				again(s, child, *task.CallbackURL)
				return harness.Resume(task)
			}, func(x *harness.Execution) harness.Reply {
				return harness.Success(string(x.API.Run(x.Body.Run.ID).Tasks[0].Output))
			})
			parents = append(parents, parent)
		}
		for _, parent := range parents {
			s.Development().WaitRun(parent, protocol.RunSuccess)
		}
		checkDoctor(t, s)
	})
}

func TestWaitsSurviveAnotherPublicURL(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) string{
		"on SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "runhook.db") },
		"on PostgreSQL": func(t *testing.T) string { return harness.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waitsSurviveAnotherPublicURL(t, database(t))
		})
	}
}

func waitsSurviveAnotherPublicURL(t *testing.T, database string) {
	at := func(url string) *harness.Server {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
			c.PublicURL, c.Listener = url, listener
		}})
		s.URL = "http://" + listener.Addr().String()
		return s
	}
	s := at("http://one.internal:1/base")
	app := harness.NewApp(t, s)
	output := func(x *harness.Execution) harness.Reply {
		return harness.Success(string(x.API.Run(x.Body.Run.ID).Tasks[0].Output))
	}
	never := func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("never", harness.Callback(0)))
	}
	child := app.Run(nil, never)
	s.Development().WaitRun(child, protocol.RunWaitingToContinue)
	key := app.Script(never)
	waitFor := func(event string, as *harness.Client, url string) (id string) {
		var made struct{ ID string }
		as.OK("POST", "/api/v1/event-dispatchers/ephemeral", map[string]any{"url": url, "name": event, "timeoutInSeconds": 3600}, &made)
		return made.ID
	}
	var wait string
	parents := map[string]string{
		"a child": app.Run(nil, func(x *harness.Execution) harness.Reply {
			task := x.Task("invoke", harness.Callback(0))
			child = again(s, key, *task.CallbackURL+"?from=parent") // no callback reads a query
			return harness.Resume(task)
		}, output),
		"an event": app.Run(nil, func(x *harness.Execution) harness.Reply {
			task := x.Task("wait", harness.Callback(3600))
			wait = waitFor("paid", x.API, *task.CallbackURL)
			return harness.Resume(task)
		}, output),
	}
	var address string
	parents["a request"] = app.Run(nil, func(x *harness.Execution) harness.Reply {
		task := x.Task("ask", harness.Callback(0))
		address = *task.CallbackURL
		return harness.Resume(task)
	}, output)
	parents["an event of another environment"] = app.Run(nil, func(x *harness.Execution) harness.Reply {
		task := x.Task("wait", harness.Callback(3600))
		waitFor("shipped", s.As(s.Key(protocol.Production).Secret), *task.CallbackURL)
		return harness.Resume(task)
	}, output)
	for _, parent := range parents {
		s.Development().WaitRun(parent, protocol.RunWaitingToContinue)
	}
	app.Lose()
	s.Stop()
	s = at("https://two.example")
	app.Move(s)
	// What is asked for again is handed out under the new URL, and stands for the same.
	fresh := func(parent, key string) string {
		url := *s.Development().CreateTask(parent, protocol.CreateTask{IdempotencyKey: key}).CallbackURL
		if !strings.HasPrefix(url, "https://two.example/api/v1/tasks/") {
			t.Errorf("the callback URL of a task that is asked for again is %s", url)
		}
		return url
	}
	again(s, key, fresh(parents["a child"], "invoke"))
	if id := waitFor("paid", s.Development(), fresh(parents["an event"], "wait")); id != wait {
		t.Errorf("the wait that was asked for again is %s, want %s", id, wait)
	}
	if url := fresh(parents["a request"], "ask"); !strings.HasSuffix(address, url[len("https://two.example"):]) {
		t.Errorf("the URL was %s, and is %s", address, url)
	}
	s.Development().OK("POST", "/api/v1/runs/"+child+"/cancel", nil, nil)
	s.Development().OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "paid", "payload": 1}}, nil)
	s.As(s.Key(protocol.Production).Secret).OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "shipped", "payload": 1}}, nil)
	s.As("").Do("POST", address[len("http://one.internal:1/base"):], `"asked"`)
	for what, parent := range parents {
		if run := s.Development().WaitRun(parent, protocol.RunSuccess); len(run.Output) == 0 {
			t.Errorf("the parent that waited for %s has no output", what)
		}
	}
	if ends, _ := s.Development().Notifications(url.Values{"runId": {child}}); len(ends) != 1 {
		t.Errorf("the parent is notified of its child %d times, want once: %+v", len(ends), ends)
	}
	checkDoctor(t, s)
}

// checkDoctor stops a server, and fails the test if its database holds what it should
// not. One in memory is gone by then.
func checkDoctor(t *testing.T, s *harness.Server) {
	t.Helper()
	s.Stop()
	if s.Database == harness.Memory {
		return
	}
	found, err := server.Examine(t.Context(), server.Config{Database: s.Database})
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range found.Problems {
		t.Errorf("doctor found %+v", problem)
	}
}
