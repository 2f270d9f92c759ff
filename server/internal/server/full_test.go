package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// fullDisk is a server whose disk can be full.
type fullDisk struct {
	*testing.T
	*harness.Server
	app *harness.App
	db  *away
}

// fill leaves no room on the disk.
func (d *fullDisk) fill() {
	full := fmt.Errorf("commit: %w", database.ErrFull)
	d.db.refused.Store(0)
	d.db.writeFailure.Store(&full)
}

// fillOn returns what fills the disk the first time that it is called.
func (d *fullDisk) fillOn() (fill func()) {
	var filled atomic.Bool
	return func() {
		if !filled.Swap(true) {
			d.fill()
		}
	}
}

// makeRoom waits until something was to be recorded in vain for some time, and then
// makes room for it.
func (d *fullDisk) makeRoom() {
	d.Helper()
	d.Wait("the disk to be full", func() bool { return d.db.writeFailure.Load() != nil })
	d.Wait("something to be recorded in vain", func() bool {
		d.Clock.Poke()
		return d.db.refused.Load() > 5
	})
	d.db.writeFailure.Store(nil)
	d.Clock.Advance(10 * time.Second)
}

// runsOf waits for a number of runs of a job, and for their success.
func (d *fullDisk) runsOf(job string, number int) {
	d.Helper()
	var page struct {
		Runs []struct{ Status protocol.RunStatus }
	}
	d.Wait(fmt.Sprintf("%d runs of %s", number, job), func() bool {
		d.Development().OK("GET", "/api/runhook/v1/runs?job="+job, nil, &page)
		for _, run := range page.Runs {
			if run.Status != protocol.RunSuccess {
				return false
			}
		}
		return len(page.Runs) >= number
	})
	if len(page.Runs) != number {
		d.Errorf("%s has %d runs, want %d", job, len(page.Runs), number)
	}
}

// task waits until a run ends, and checks what came of its task.
func (d *fullDisk) task(id, want string) {
	d.Helper()
	run := d.Development().WaitRun(id, protocol.RunSuccess)
	if !strings.Contains(string(run.Output), want) {
		d.Errorf("the task came to %s, want %s", run.Output, want)
	}
}

// waits is a script for a run whose task is made by ask, and which ends with what came
// of it.
func waits(ask func(x *harness.Execution) protocol.Task) []harness.Step {
	return []harness.Step{
		func(x *harness.Execution) harness.Reply { return harness.Resume(ask(x)) },
		func(x *harness.Execution) harness.Reply {
			return harness.Success(`"came to ` + strings.ReplaceAll(string(x.API.Run(x.Body.Run.ID).Tasks[0].Output), `"`, `'`) + `"`)
		},
	}
}

// fullIndex is of an app with something of each kind.
func fullIndex(jobs ...string) string {
	listener := func(id, event, source string) string {
		return fmt.Sprintf(`{"id":%q,"name":%[1]q,"version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
			"event":{"name":%q,"title":"Event","source":%q,"icon":"i"},
			"trigger":{"type":"static","title":"Event","rule":{"event":%[2]q,"source":%[3]q,"payload":{}}}}`, id, event, source)
	}
	all := append(jobs, harness.Job(harness.JobID, harness.JobVersion), listener("listener", "paid", "trigger.dev"),
		listener("registers", "dev.trigger.webhook.register.shop", "trigger.dev"))
	return strings.TrimSuffix(harness.Index(all...), "}") + `,
		"httpEndpoints":[{"id":"shop","version":"1","enabled":true,"icon":"webhook","source":"trigger.dev",
			"event":{"name":"shop","title":"HTTP Trigger","source":"trigger.dev","icon":"webhook"}}],
		"webhooks":[{"key":"shop","params":{},"config":{"event":["a"]},"httpEndpoint":{"id":"shop"},
			"integration":{"id":"fake","metadata":{"id":"fake","name":"Fake"},"authSource":"LOCAL"}}]}`
}

const tickingJob = `{"id":"ticking","name":"ticking","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
	"event":{"name":"trigger.scheduled","title":"Schedule","source":"trigger.dev","icon":"schedule"},
	"trigger":{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":3600}}}}`

// Each is something whose outcome becomes known while the disk is full. It must be
// recorded once there is room, without doing the work again.
var whileFull = []struct {
	name string
	test func(d *fullDisk)
}{
	{"an execution", func(d *fullDisk) {
		id := d.app.Run(nil, func(*harness.Execution) harness.Reply {
			d.fill()
			return harness.Success(`1`)
		})
		d.makeRoom()
		d.Development().WaitRun(id, protocol.RunSuccess)
	}},
	{"a delivery of a notification", func(d *fullDisk) {
		var deliveries atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			d.fill()
			deliveries.Add(1)
		}))
		defer receiver.Close()
		id := d.app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: receiver.URL}}, harness.Always(harness.Success(`1`)))
		d.makeRoom()
		if n := d.Development().WaitAttempt(id, 1); n.DeliveredAt == nil || deliveries.Load() != 1 {
			d.Errorf("the notification is %+v after %d deliveries", n, deliveries.Load())
		}
	}},
	{"a background fetch", func(d *fullDisk) {
		var requests atomic.Int64
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			d.fill()
			requests.Add(1)
			fmt.Fprint(w, `{"fetched":1}`)
		}))
		defer site.Close()
		id := d.app.Run(nil, waits(func(x *harness.Execution) protocol.Task {
			return x.Task("fetch", func(c *protocol.CreateTask) {
				c.Operation, c.Params = "fetch", json.RawMessage(fmt.Sprintf(`{"url":%q}`, site.URL))
			})
		})...)
		d.makeRoom()
		d.task(id, "fetched")
		if n := requests.Load(); n != 1 {
			d.Errorf("%d requests were made", n)
		}
	}},
	{"the time-out of a task", func(d *fullDisk) {
		id := d.app.Run(nil, waits(func(x *harness.Execution) protocol.Task {
			return x.Task("nap", harness.Noop, harness.Delay(d.Clock.Now().Add(time.Minute)))
		})...)
		d.Development().WaitRun(id, protocol.RunWaitingToContinue)
		d.fill()
		d.Clock.Advance(2 * time.Minute)
		d.makeRoom()
		d.task(id, "came to")
	}},
	{"an event that is delivered later", func(d *fullDisk) {
		d.Development().OK("POST", "/api/v1/events", `{"event":{"id":"later","name":"paid"},"options":{"deliverAfter":60}}`, nil)
		d.fill()
		d.Clock.Advance(2 * time.Minute)
		d.makeRoom()
		d.runsOf("listener", 1)
	}},
	{"the end of a wait for an event", func(d *fullDisk) {
		id := d.app.Run(nil, waits(func(x *harness.Execution) protocol.Task {
			task := x.Task("wait", harness.Callback(3600))
			x.API.OK("POST", "/api/v1/event-dispatchers/ephemeral", map[string]any{"url": *task.CallbackURL, "name": "awaited", "timeoutInSeconds": 3600}, nil)
			return task
		})...)
		d.Development().WaitRun(id, protocol.RunWaitingToContinue)
		d.Development().OK("POST", "/api/v1/events", `{"event":{"id":"awaited-1","name":"awaited"},"options":{"deliverAfter":60}}`, nil)
		d.fill()
		d.Clock.Advance(2 * time.Minute)
		d.makeRoom()
		d.task(id, "awaited-1")
	}},
	{"a request that an app takes", func(d *fullDisk) {
		d.Development().OK("PUT", "/api/v1/webhooks/shop", `{"active":true,"config":{"event":["a"]}}`, nil)
		fill := d.fillOn()
		d.app.Handle(protocol.ActionDeliverWebhook, func(http.Header, []byte) harness.Reply {
			fill()
			return harness.JSON(`{"response":{"status":200,"body":{"ok":true}},"verified":true}`)
		})
		var listed struct {
			HTTPEndpoints []struct{ URL string } `json:"httpEndpoints"`
		}
		d.Development().OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
		send := func() {
			answer, err := http.Post(listed.HTTPEndpoints[0].URL, "text/plain", strings.NewReader("1"))
			if err != nil {
				d.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				d.Errorf("a request is answered %d", answer.StatusCode)
			}
		}
		send()
		d.makeRoom()
		send() // waits for the first of its source
		d.Wait("both requests", func() bool { return d.app.Calls(protocol.ActionDeliverWebhook) >= 2 })
		if n := d.app.Calls(protocol.ActionDeliverWebhook); n != 2 {
			d.Errorf("the app was given %d requests, want 2", n)
		}
	}},
	{"a tick of a schedule", func(d *fullDisk) {
		d.app.SetIndex(fullIndex(tickingJob))
		d.app.Register(d.Development(), "app")
		d.fill()
		d.Clock.Advance(time.Hour + time.Minute)
		d.makeRoom()
		d.runsOf("ticking", 1)
		d.app.SetIndex(fullIndex())
		d.app.Register(d.Development(), "app")
	}},
	{"an index", func(d *fullDisk) {
		id := d.app.Run(nil, func(x *harness.Execution) harness.Reply {
			return harness.Resume(x.Task("for ever", harness.Callback(0)))
		})
		d.Development().WaitRun(id, protocol.RunWaitingToContinue)
		fill := d.fillOn()
		d.app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
			fill()
			return harness.JSON(harness.Index(harness.Job("instead", "1.0.0")))
		})
		before := d.app.Calls(protocol.ActionIndexEndpoint)
		d.Development().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: d.app.URL}, nil)
		d.makeRoom()
		d.Development().WaitRun(id, protocol.RunAborted) // its job is gone
		if n := d.app.Calls(protocol.ActionIndexEndpoint) - before; n != 1 {
			d.Errorf("the app was indexed %d times", n)
		}
	}},
	{"what follows an index", func(d *fullDisk) {
		id := d.Development().Invoke("instead", "{}", protocol.HeaderIdempotencyKey, d.app.Script(func(x *harness.Execution) harness.Reply {
			return harness.Resume(x.Task("for ever", harness.Callback(0)))
		}))
		d.Development().WaitRun(id, protocol.RunWaitingToContinue)
		fill := d.fill
		d.app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
			d.db.committed.Store(&fill) // once the index is recorded
			return harness.JSON(fullIndex())
		})
		d.Development().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: d.app.URL}, nil)
		d.makeRoom()
		d.Development().WaitRun(id, protocol.RunAborted)
	}},
	{"what is old", func(d *fullDisk) {
		d.fill()
		d.Clock.Advance(4 * 24 * time.Hour)
		d.makeRoom()
		d.Wait("the runs to leave", func() bool {
			d.Clock.Advance(10 * time.Minute)
			var page struct{ Runs []any }
			d.Development().OK("GET", "/api/runhook/v1/runs", nil, &page)
			return len(page.Runs) == 0
		})
	}},
}

func TestWhatEndsWhileTheDiskIsFullIsRecordedOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	db := &away{}
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) {
		c.DevSchedules, c.KeepRuns, c.KeepPayloads = true, "DEVELOPMENT=2d", "DEVELOPMENT=1d"
		c.WrapDatabase = func(opened database.DB) database.DB {
			db.DB = opened
			return db
		}
	}})
	app := harness.NewUnregisteredApp(t, s)
	app.SetIndex(fullIndex())
	app.Register(s.Development(), "app")
	for _, c := range whileFull {
		if !t.Run(c.name, func(t *testing.T) {
			d := &fullDisk{T: t, Server: s.For(t), app: app, db: db}
			defer db.writeFailure.Store(nil)
			c.test(d)
		}) {
			return // what follows would wait in vain
		}
	}
	var checkup struct {
		Problems int
		Failing  []string
	}
	s.Wait("all to work again", func() bool {
		s.Clock.Advance(time.Second)
		s.Development().OK("GET", "/api/runhook/v1/doctor", nil, &checkup)
		return len(checkup.Failing) == 0
	})
	if checkup.Problems != 0 {
		t.Errorf("the doctor found %d problems", checkup.Problems)
	}
}
