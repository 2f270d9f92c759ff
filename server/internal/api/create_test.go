package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestCreatingATask(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"with the version of today wraps it and says so": func(t *testing.T, s *harness.Server, app *harness.App) {
			answer := postTask(s.Development(), openRun(s, app), "k", `{"idempotencyKey":"k","params":{"b":1,"a":[]},"properties":[{"label":"L","text":"T"},{"label":"no text"}]}`,
				"Trigger-Version", "2023-09-29")
			checkStatus(t, answer, 200)
			if got := answer.Header.Get("Trigger-Version"); got != "2023-09-29" {
				t.Errorf("Trigger-Version is %q", got)
			}
			checkMember(t, answer, "cachedTasks", "")
			task := harness.Answer{Body: answer.Members()["task"]}
			for name, want := range map[string]string{
				"name": `"Task"`, "icon": "null", "noop": "false", "completedAt": "null", "delayUntil": "null", "status": `"RUNNING"`,
				"description": "null", "params": `{"b":1,"a":[]}`, "output": "null", "context": "null", "properties": `[{"label":"L","text":"T"}]`,
				"style": `{"style":"normal"}`, "error": "null", "parentId": "null", "attempts": "1", "idempotencyKey": `"k"`, "operation": "null",
				"callbackUrl": "null", "forceYield": "false", "childExecutionMode": `"SEQUENTIAL"`, "startedAt": `"` + protocol.At(s.Clock.Now()).String() + `"`,
			} {
				checkMember(t, task, name, want)
			}
		},
		"without a version, or with another, gives it bare": func(t *testing.T, s *harness.Server, app *harness.App) {
			run := openRun(s, app)
			for i, headers := range [][]string{nil, {"Trigger-Version", "2023-11-01"}, {"Trigger-Version", "unknown"}} {
				key := fmt.Sprint("k", i)
				answer := postTask(s.Development(), run, key, `{"idempotencyKey":"`+key+`"}`, headers...)
				checkStatus(t, answer, 200)
				checkMember(t, answer, "idempotencyKey", `"`+key+`"`)
				if got, found := answer.Header["Trigger-Version"]; found {
					t.Errorf("the answer to %v has Trigger-Version %q", headers, got)
				}
			}
		},
		"takes its key from the header": func(t *testing.T, s *harness.Server, app *harness.App) {
			answer := postTask(s.Development(), openRun(s, app), "header", `{"idempotencyKey":"body"}`)
			checkMember(t, answer, "idempotencyKey", `"header"`)
		},
		"starts it as what it is": func(t *testing.T, s *harness.Server, app *harness.App) {
			run := openRun(s, app)
			later, before := protocol.At(s.Clock.Now().Add(time.Hour)).String(), protocol.At(s.Clock.Now().Add(-time.Hour)).String()
			for body, want := range map[string]protocol.TaskStatus{
				`"idempotencyKey":"running"`:                                                 protocol.TaskRunning,
				`"idempotencyKey":"noop","noop":true`:                                        protocol.TaskCompleted,
				`"idempotencyKey":"delayed","delayUntil":"` + later + `"`:                    protocol.TaskWaiting,
				`"idempotencyKey":"delayed noop","noop":true,"delayUntil":"` + later + `"`:   protocol.TaskWaiting,
				`"idempotencyKey":"past","delayUntil":"` + before + `"`:                      protocol.TaskRunning,
				`"idempotencyKey":"past noop","noop":true,"delayUntil":"` + before + `"`:     protocol.TaskCompleted,
				`"idempotencyKey":"callback","callback":{"enabled":true}`:                    protocol.TaskWaiting,
				`"idempotencyKey":"no callback","callback":{"enabled":false}`:                protocol.TaskRunning,
				`"idempotencyKey":"parallel","parallel":true,"style":{"style":"minimal"}`:    protocol.TaskRunning,
				`"idempotencyKey":"milliseconds","delayUntil":1e14,"someOtherMember":[1,{}]`: protocol.TaskWaiting,
			} {
				body = "{" + body + "}"
				var request protocol.CreateTask
				if err := json.Unmarshal([]byte(body), &request); err != nil {
					t.Fatal(err)
				}
				answer := postTask(s.Development(), run, request.IdempotencyKey, body)
				checkStatus(t, answer, 200)
				checkMember(t, answer, "status", `"`+string(want)+`"`)
			}
		},
		"that waits for a callback gives its URL, the same for ever": func(t *testing.T, s *harness.Server, app *harness.App) {
			run := openRun(s, app)
			request := protocol.CreateTask{IdempotencyKey: "ask", Callback: &protocol.Callback{Enabled: true}}
			first, second := s.Development().CreateTask(run, request), s.Development().CreateTask(run, request)
			if want := regexp.MustCompile("^" + regexp.QuoteMeta(s.URL+"/api/v1/tasks/"+first.ID) + "/callback/[0-9a-f]{24}$"); !want.MatchString(*first.CallbackURL) {
				t.Errorf("the callback URL is %s", *first.CallbackURL)
			}
			if *first.CallbackURL != *second.CallbackURL || first.ID != second.ID {
				t.Errorf("the task changed from %+v to %+v", first, second)
			}
		},
		"that is there already returns it unchanged in every status": func(t *testing.T, s *harness.Server, app *harness.App) {
			run := openRun(s, app)
			development := s.Development()
			x := &harness.Execution{API: development, Body: protocol.ExecuteJob{Run: protocol.RunReference{ID: run}}}
			made := map[protocol.TaskStatus]protocol.Task{
				protocol.TaskRunning:   x.Task("running"),
				protocol.TaskWaiting:   x.Task("waiting", harness.Delay(s.Clock.Now().Add(time.Hour))),
				protocol.TaskCompleted: x.Complete(x.Task("completed"), `{"v":1}`),
				protocol.TaskErrored:   x.Fail(x.Task("errored"), "no"),
			}
			s.Clock.Advance(time.Second)
			for status, before := range made {
				after := x.Task(before.IdempotencyKey, func(c *protocol.CreateTask) {
					c.Name, c.Params, c.Noop = "another name", json.RawMessage(`{"other":true}`), true
				}, harness.Delay(s.Clock.Now().Add(24*time.Hour)))
				if got, want := asJSON(after), asJSON(before); got != want || after.Status != status {
					t.Errorf("the %s task is now %s, and was %s", status, got, want)
				}
			}
		},
		"by many at once makes one": func(t *testing.T, s *harness.Server, app *harness.App) {
			run := openRun(s, app)
			var creators sync.WaitGroup
			ids := make([]string, 24)
			for i := range ids {
				creators.Go(func() { ids[i] = s.Development().CreateTask(run, protocol.CreateTask{IdempotencyKey: "one"}).ID })
			}
			creators.Wait()
			for _, id := range ids {
				if id == "" || id != ids[0] {
					t.Fatalf("the ids are %v", ids)
				}
			}
		},
		"on a run that was canceled makes it canceled": func(t *testing.T, s *harness.Server, app *harness.App) {
			canceled := openRun(s, app)
			s.Development().OK("POST", "/api/v1/runs/"+canceled+"/cancel", nil, nil)
			for _, request := range []protocol.CreateTask{
				{IdempotencyKey: "a"}, {IdempotencyKey: "b", Noop: true}, {IdempotencyKey: "c", Callback: &protocol.Callback{Enabled: true}},
				{IdempotencyKey: "d", Operation: "fetch"},
			} {
				if task := s.Development().CreateTask(canceled, request); task.Status != protocol.TaskCanceled || task.CompletedAt == nil {
					t.Errorf("task %s is %s", request.IdempotencyKey, task.Status)
				}
			}
		},
		"gives ids that sort as they were made": func(t *testing.T, s *harness.Server, app *harness.App) {
			run, last := openRun(s, app), ""
			for i := range 50 {
				task := s.Development().CreateTask(run, protocol.CreateTask{IdempotencyKey: fmt.Sprint(i)})
				if task.ID <= last || task.ID != strings.ToLower(task.ID) {
					t.Fatalf("%s does not come after %s", task.ID, last)
				}
				last = task.ID
			}
		},
	})
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestCachedTasks(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"come page by page, however many there are": func(t *testing.T, s *harness.Server, app *harness.App) {
			const many = 510
			checkCache(t, s, app, many, func(i int) string { return fmt.Sprint(i) })
		},
		"come page by page, however large they are": func(t *testing.T, s *harness.Server, app *harness.App) {
			large := `"` + strings.Repeat("x", 900_000) + `"`
			checkCache(t, s, app, 6, func(i int) string { return large })
		},
		"are not sent to an app that does not ask": func(t *testing.T, s *harness.Server, app *harness.App) {
			answer := postTask(s.Development(), openRun(s, app), "k", `{"idempotencyKey":"k"}`, "Trigger-Version", "2023-09-29", "X-Cached-Tasks-Cursor", "")
			checkMember(t, answer, "cachedTasks", "")
		},
		"have no output for a task that returned nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.End(nil,
				func(x *harness.Execution) harness.Reply {
					x.Complete(x.Task("nothing"), "")
					x.Complete(x.Task("null"), "null")
					x.Fail(x.Task("failed"), "no")
					return harness.Yield("again")
				},
				func(x *harness.Execution) harness.Reply {
					var body struct{ Tasks []map[string]json.RawMessage }
					if err := json.Unmarshal(x.Raw, &body); err != nil {
						t.Error(err)
					}
					if len(body.Tasks) != 2 {
						t.Errorf("the app received %d tasks", len(body.Tasks))
						return harness.Success("")
					}
					if _, found := body.Tasks[0]["output"]; found {
						t.Error("a task that returned nothing has an output")
					}
					if got := string(body.Tasks[1]["output"]); got != "null" {
						t.Errorf("a task that returned null has the output %s", got)
					}
					return harness.Success("")
				})
		},
	})
}

// checkCache makes tasks in one execution and has the next collect them all,
// as an SDK does: what it received at first, then page by page.
func checkCache(t *testing.T, s *harness.Server, app *harness.App, many int, output func(int) string) {
	t.Helper()
	app.End(nil,
		func(x *harness.Execution) harness.Reply {
			for i := range many {
				x.Complete(x.Task(fmt.Sprint("task ", i)), output(i))
			}
			return harness.Yield("again")
		},
		func(x *harness.Execution) harness.Reply {
			collected, cursor := x.Body.Tasks, x.Body.CachedTaskCursor
			// Small results all fit at first, so their pages are asked for from
			// the first task on.
			if cursor == "" {
				cursor, collected = firstTask(x), nil
			}
			for page := 0; cursor != "" && page < 100; page++ {
				answer := postTask(x.API, x.Body.Run.ID, "task 0", `{"idempotencyKey":"task 0"}`,
					protocol.HeaderVersion, protocol.VersionLazyCachedTasks, protocol.HeaderCachedTaskCursor, cursor)
				var created protocol.CreatedTask
				if err := json.Unmarshal(answer.Body, &created); err != nil || created.CachedTasks == nil {
					t.Errorf("no page of cached tasks: %v, %.200s", err, answer.Body)
					break
				}
				if n, size := len(created.CachedTasks.Tasks), len(asJSON(created.CachedTasks)); n == 0 || n > 250 || size > 2_000_000 {
					t.Errorf("a page has %d tasks and %d bytes", n, size)
				}
				collected, cursor = append(collected, created.CachedTasks.Tasks...), created.CachedTasks.Cursor
			}
			if len(collected) != many {
				t.Errorf("%d tasks were received, want %d", len(collected), many)
			}
			for i, task := range collected {
				if task.IdempotencyKey != fmt.Sprint("task ", i) || string(task.Output) != output(i) {
					t.Errorf("task %d is %s with %.40s", i, task.IdempotencyKey, task.Output)
				}
			}
			return harness.Success("")
		})
}

func firstTask(x *harness.Execution) string { return x.Task("task 0").ID }

func TestTheBodyOfAnExecution(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	id := app.Run(`{"payload":{"n": 9007199254740993,"z":1},"options":{"accountId":"acme"}}`, harness.Always(harness.Success("")))
	s.Development().WaitRun(id, protocol.RunSuccess)
	x := app.Executions(id)[0]
	for name, want := range map[string]string{
		"X-Trigger-Api-Key": "tr_dev_servertestservertest", "X-Trigger-Action": "EXECUTE_JOB", "X-Trigger-Version": "2023-09-29",
		"User-Agent": "triggerdotdev-server/2.0.0", "Accept": "application/json", "Content-Type": "application/json",
	} {
		if got := x.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	body := harness.Answer{Body: x.Raw}
	checkMember(t, body, "job", `{"id":"job","version":"1.0.0"}`)
	checkMember(t, body, "run", `{"id":"`+id+`","isTest":false,"isRetry":false,"startedAt":"`+protocol.At(x.At).String()+`"}`)
	checkMember(t, body, "account", `{"id":"acme"}`)
	checkMember(t, body, "connections", `{}`)
	if x.Body.Event.Name != "invoke" || string(x.Body.Event.Payload) != `{"n":9007199254740993,"z":1}` || string(x.Body.Event.Context) != "{}" {
		t.Errorf("the event is %+v", x.Body.Event)
	}
	if x.Body.Environment.Type != protocol.Development || x.Body.RunChunkExecutionLimit != 59_650 {
		t.Errorf("the environment is %+v, the limit %d ms", x.Body.Environment, x.Body.RunChunkExecutionLimit)
	}
	for name, value := range body.Members() {
		if string(value) == "null" {
			t.Errorf("%s is null, which the Node SDK refuses", name)
		}
	}
	if s.As("").Do("GET", "/healthz", nil).Status != http.StatusOK {
		t.Error("the server does not live")
	}
}

func TestAnAppWithoutAVersionIsTreatedAsAnOldOne(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	silent := func(text string) harness.Reply { return harness.HTTP(200, text) }
	app.SetPing(silent(`{"ok":true}`))
	app.SetIndexReply(silent(harness.Index(harness.Job(harness.JobID, harness.JobVersion))))
	app.Register(s.Development(), "app")
	id := app.Run(nil,
		harness.Always(silent(`{"status":"YIELD_EXECUTION","key":"k"}`)),
		harness.Always(harness.Yield("reports its version")),
		harness.Always(harness.Success("")))
	s.Development().WaitRun(id, protocol.RunSuccess)
	for i, x := range app.Executions(id) {
		for _, member := range []string{"runChunkExecutionLimit", "autoYieldConfig", "yieldedExecutions"} {
			response := harness.Answer{Body: x.Raw}.Members()[member] != nil
			if response != (i == 2) {
				t.Errorf("execution %d: %s is received: %v", i+1, member, response)
			}
		}
	}
}
