package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// runsPage is a page of the list of runs.
type runsPage struct {
	Runs []struct {
		ID  string
		Job struct{ ID, Version string }
	}
	NextCursor string
}

// listedRuns returns the ids of the runs that a query lists, page by page.
func listedRuns(c *harness.Client, query string) (ids []string) {
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page runsPage
		c.OK("GET", "/api/runhook/v1/runs?"+query+"&cursor="+cursor, nil, &page)
		for _, run := range page.Runs {
			ids = append(ids, run.ID)
		}
		cursor = page.NextCursor
	}
	return ids
}

func TestListingRuns(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		c := s.Development()
		app.SetIndex(harness.Index(harness.Job(harness.JobID, harness.JobVersion), harness.Job("other", "2.0.0")))
		app.Register(c, "app")

		old := app.Run(nil, harness.Always(harness.Success("1")))
		c.WaitRun(old, protocol.RunSuccess)
		s.Clock.Advance(time.Hour)
		noon := s.Clock.Now()
		failed := app.Run(nil, harness.Always(harness.Failure("no")))
		c.WaitRun(failed, protocol.RunFailure)
		other := c.Invoke("other", `{}`)
		c.WaitRun(other, protocol.RunSuccess)
		var test protocol.InvokedRun
		c.OK("POST", "/api/runhook/v1/jobs/other/test", `{}`, &test)
		c.WaitRun(test.ID, protocol.RunSuccess)
		waiting := openRun(s, app)

		for name, test := range map[string]struct {
			query url.Values
			want  []string
		}{
			"all, the newest first":       {url.Values{}, []string{waiting, test.ID, other, failed, old}},
			"in pages of two":             {url.Values{"take": {"2"}}, []string{waiting, test.ID, other, failed, old}},
			"of a job":                    {url.Values{"job": {"other"}}, []string{test.ID, other}},
			"of an unknown job":           {url.Values{"job": {"none"}}, nil},
			"with a status":               {url.Values{"status": {"FAILURE"}}, []string{failed}},
			"with one of several":         {url.Values{"status": {"FAILURE,SUCCESS"}, "take": {"1"}}, []string{test.ID, other, failed, old}},
			"with one of several, twice":  {url.Values{"status": {"FAILURE", "WAITING_TO_CONTINUE"}}, []string{waiting, failed}},
			"that are tests":              {url.Values{"test": {"true"}}, []string{test.ID}},
			"that are not":                {url.Values{"test": {"false"}, "job": {"other"}}, []string{other}},
			"from a time on":              {url.Values{"from": {noon.Format(time.RFC3339Nano)}}, []string{waiting, test.ID, other, failed}},
			"before a time":               {url.Values{"to": {noon.Format(time.RFC3339Nano)}}, []string{old}},
			"from a time, with a status":  {url.Values{"from": {noon.Format(time.RFC3339)}, "status": {"SUCCESS"}}, []string{test.ID, other}},
			"between times without a run": {url.Values{"from": {"2020-01-01T00:00:00Z"}, "to": {"2020-01-02T00:00:00+02:00"}}, nil},
		} {
			if got := listedRuns(c, test.query.Encode()); !slices.Equal(got, test.want) {
				t.Errorf("runs %s: got %v, want %v", name, got, test.want)
			}
		}
		if got := listedRuns(s.As(s.Key(protocol.Staging).Secret), ""); len(got) != 0 {
			t.Errorf("another environment sees %v", got)
		}
		for _, query := range []string{"status=DONE", "test=maybe", "from=yesterday", "to=1", "take=x"} {
			checkStatus(t, c.Do("GET", "/api/runhook/v1/runs?"+query, nil), 400)
		}
		checkStatus(t, s.As(s.Key(protocol.Development).Public).Do("GET", "/api/runhook/v1/runs", nil), 401)
	})
}

func TestARunsDetails(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"have everything": func(t *testing.T, s *harness.Server, app *harness.App) {
			receiver := harness.NewReceiver(t, s)
			retryAt := s.Clock.Now().Add(time.Minute)
			id := app.Run(`{"payload":{"n":12345678901234567890},"context":{"c":1},"options":{"accountId":"acme","callbackUrl":"`+receiver.URL+`"}}`,
				func(x *harness.Execution) harness.Reply {
					return harness.Retry(x.Task("charge"), retryAt)
				},
				func(x *harness.Execution) harness.Reply {
					task := x.Task("charge")
					x.Task("child", harness.Child(task))
					x.Complete(task, `{"ok":true}`)
					return harness.Failure("no stock")
				})
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			s.Clock.AdvanceTo(retryAt)
			s.Development().WaitRun(id, protocol.RunFailure)
			var run struct {
				Status, FailedTaskID string
				Error                struct{ Message string }
				Job                  struct{ ID, Version string }
				Event                struct {
					Name             string
					Payload, Context json.RawMessage
				}
				Account        struct{ ID string }
				ExecutionCount int
				DurationInMs   int64
				CallbackURL    string
				Tasks          []struct {
					ID, ParentID, DisplayKey, Status string
					Output                           json.RawMessage
					Attempts                         int
					FailedAttempts                   []struct {
						Number  int
						Error   string
						RetryAt protocol.Time
					}
				}
				Notifications []struct{ Status, URL string }
			}
			s.Wait("the notification to be delivered", func() bool {
				s.Development().OK("GET", "/api/runhook/v1/runs/"+id, nil, &run)
				return len(run.Notifications) == 1 && run.Notifications[0].Status == "DELIVERED"
			})
			if run.Status != "FAILURE" || run.Error.Message != "no stock" || run.Job.ID != harness.JobID || run.Job.Version != harness.JobVersion ||
				run.Account.ID != "acme" || run.ExecutionCount != 2 || run.DurationInMs != time.Minute.Milliseconds() || run.CallbackURL != receiver.URL {
				t.Errorf("the run is %+v", run)
			}
			if run.Event.Name != "invoke" || string(run.Event.Payload) != `{"n":12345678901234567890}` || string(run.Event.Context) != `{"c":1}` {
				t.Errorf("the event is %s, %s, %s", run.Event.Name, run.Event.Payload, run.Event.Context)
			}
			if len(run.Tasks) != 2 || run.Tasks[1].ParentID != run.Tasks[0].ID || run.Tasks[0].Attempts != 2 || string(run.Tasks[0].Output) != `{"ok":true}` {
				t.Fatalf("the tasks are %+v", run.Tasks)
			}
			failed := run.Tasks[0].FailedAttempts
			if len(failed) != 1 || failed[0].Number != 1 || !strings.Contains(failed[0].Error, "not yet") || !failed[0].RetryAt.Equal(retryAt) {
				t.Errorf("the failed attempts are %+v", failed)
			}
		},
		"page through the tasks": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, func(x *harness.Execution) harness.Reply {
				for i := range 5 {
					x.Task(fmt.Sprint("task ", i))
				}
				return harness.Success("")
			}).ID
			var keys []string
			for cursor, first := "", true; first || cursor != ""; first = false {
				var run struct {
					Tasks          []struct{ DisplayKey string }
					NextTaskCursor string
				}
				s.Development().OK("GET", "/api/runhook/v1/runs/"+id+"?taskTake=2&taskCursor="+cursor, nil, &run)
				for _, task := range run.Tasks {
					keys = append(keys, task.DisplayKey)
				}
				cursor = run.NextTaskCursor
			}
			if got := fmt.Sprint(keys); got != "[task 0 task 1 task 2 task 3 task 4]" {
				t.Errorf("the tasks are %s", got)
			}
		},
		"do not show what a task redacts, and nor does the protocol's run": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, func(x *harness.Execution) harness.Reply {
				task := x.Task("charge", func(request *protocol.CreateTask) {
					request.Redact = &protocol.Redact{Paths: []string{"card.number", "others.0.number", "all"}}
					request.Params = json.RawMessage(`{"header":{"__redactedString":true,"strings":["Bearer ",""],"interpolations":["t0ken"]}}`)
				})
				if done := x.Complete(task, `{"card":{"number":"4111"},"others":[{"number":"4222"}],"all":["4333"]}`); !strings.Contains(string(done.Output), `[{"number":"4222"}],"all":["4333"]`) {
					t.Errorf("the app receives %s", done.Output)
				}
				return harness.Success("")
			}).ID
			for _, path := range []string{"/api/runhook/v1/runs/" + id, "/api/v2/runs/" + id + "?taskdetails=true", "/api/v1/runs/" + id + "?taskdetails=true"} {
				body := string(s.Development().Do("GET", path, nil).Body)
				for _, want := range []string{`"output":{"card":{"number":"[REDACTED]"},"others":[{"number":"[REDACTED]"}],"all":"[REDACTED]"}`, `"params":{"header":"Bearer ********"}`} {
					if !strings.Contains(body, want) {
						t.Errorf("%s has no %s: %s", path, want, body)
					}
				}
			}
		},
		"are not for others": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, harness.Always(harness.Success(""))).ID
			checkStatus(t, s.As(s.Key(protocol.Staging).Secret).Do("GET", "/api/runhook/v1/runs/"+id, nil), 404)
			checkStatus(t, s.As(s.Key(protocol.Development).Public).Do("GET", "/api/runhook/v1/runs/"+id, nil), 401)
			checkStatus(t, s.Development().Do("GET", "/api/runhook/v1/runs/run_none", nil), 404)
		},
	})
}
