package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestGettingARun(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"has null for what is not there yet": func(t *testing.T, s *harness.Server, app *harness.App) {
			answer := s.Development().Do("GET", "/api/v2/runs/"+openRun(s, app), nil)
			checkStatus(t, answer, 200)
			for name, want := range map[string]string{"status": `"WAITING_TO_CONTINUE"`, "completedAt": "null", "output": "null", "statuses": "[]", "nextCursor": ""} {
				checkMember(t, answer, name, want)
			}
		},
		"has its output when it has ended": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(nil, harness.Always(harness.Success(`{"b":1,"a":"<é>"}`)))
			s.Development().WaitRun(id, protocol.RunSuccess)
			answer := s.Development().Do("GET", "/api/v2/runs/"+id, nil)
			checkMember(t, answer, "output", `{"b":1,"a":"<é>"}`)
			checkMember(t, answer, "completedAt", `"`+protocol.At(s.Clock.Now()).String()+`"`)
			checkMember(t, answer, "tasks", `[]`)
		},
		"is returned in the words of old clients where they ask": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := openRun(s, app)
			checkMember(t, s.Development().Do("GET", "/api/v1/runs/"+id, nil), "status", `"STARTED"`)
			checkMember(t, s.Development().Do("GET", "/api/v2/runs/"+id, nil), "status", `"WAITING_TO_CONTINUE"`)
			answer := s.Development().Do("GET", "/api/v1/runs/"+id+"/statuses", nil)
			checkMember(t, answer, "run", `{"id":"`+id+`","status":"STARTED"}`)
		},
		"pages through its tasks": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, func(x *harness.Execution) harness.Reply {
				for i := range 7 {
					parent := x.Task(fmt.Sprint("task ", i))
					x.Task(fmt.Sprint("below ", i), harness.Child(parent))
				}
				return harness.Success("")
			}).ID
			var keys []string
			for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
				var run protocol.Run
				s.Development().OK("GET", "/api/v2/runs/"+id+"?take=3&cursor="+cursor, nil, &run)
				for _, task := range run.Tasks {
					keys = append(keys, *task.DisplayKey)
				}
				cursor = run.NextCursor
			}
			if got := fmt.Sprint(keys); got != "[task 0 task 1 task 2 task 3 task 4 task 5 task 6]" {
				t.Errorf("the tasks are %s", got)
			}
		},
		"puts tasks below their parents when asked": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, func(x *harness.Execution) harness.Reply {
				parent := x.Task("parent")
				child := x.Task("child", harness.Child(parent))
				x.Task("grandchild", harness.Child(child))
				return harness.Success("")
			}).ID
			run := s.Development().Run(id)
			if len(run.Tasks) != 1 || run.Tasks[0].ParentID != nil || len(run.Tasks[0].Subtasks) != 1 ||
				*run.Tasks[0].Subtasks[0].ParentID != run.Tasks[0].ID || len(run.Tasks[0].Subtasks[0].Subtasks) != 1 {
				t.Errorf("the tasks are %s", asJSON(run.Tasks))
			}
			var flat protocol.Run
			s.Development().OK("GET", "/api/v2/runs/"+id+"?subtasks=false", nil, &flat)
			if len(flat.Tasks) != 1 || flat.Tasks[0].Subtasks != nil {
				t.Errorf("without subtasks the tasks are %s", asJSON(flat.Tasks))
			}
		},
		"returns parameters and outputs to callers with the secret key only": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.End(nil, func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task("a", func(c *protocol.CreateTask) { c.Params = json.RawMessage(`{"p":1}`) }), `{"o":2}`)
				return harness.Success("")
			}).ID
			path := "/api/v2/runs/" + id + "?taskdetails="
			for _, c := range []struct {
				key, details string
				shown        bool
			}{
				{s.Key(protocol.Development).Secret, "true", true}, {s.Key(protocol.Development).Secret, "false", false},
				{s.Key(protocol.Development).Secret, "0", false}, {s.Key(protocol.Development).Public, "true", false},
			} {
				var run protocol.Run
				s.As(c.key).OK("GET", path+c.details, nil, &run)
				if shown := run.Tasks[0].Params != nil && run.Tasks[0].Output != nil; shown != c.shown {
					t.Errorf("taskdetails=%s with %.6s: shown is %v", c.details, c.key, shown)
				}
			}
		},
		"from a web page is allowed": func(t *testing.T, s *harness.Server, app *harness.App) {
			path := "/api/v2/runs/" + openRun(s, app)
			answer := s.As("").Do("OPTIONS", path, nil, "Origin", "https://example.com", "Access-Control-Request-Headers", "authorization")
			checkStatus(t, answer, 200)
			if answer.Header.Get("Access-Control-Allow-Headers") != "authorization" || string(answer.Body) != "{}\n" {
				t.Errorf("the preflight answered %v %s", answer.Header, answer.Body)
			}
			for _, key := range []string{s.Key(protocol.Development).Public, ""} {
				if got := s.As(key).Do("GET", path, nil, "Origin", "https://example.com").Header.Get("Access-Control-Allow-Origin"); got != "https://example.com" {
					t.Errorf("the allowed origin is %q", got)
				}
			}
		},
	})
}

func TestTheRunsOfAJob(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		var newestFirst []string
		for range 5 {
			id := app.Run(nil, harness.Always(harness.Success("")))
			newestFirst = append([]string{id}, newestFirst...)
			s.Development().WaitRun(id, protocol.RunSuccess)
			s.Clock.Advance(time.Second)
		}
		var listed []string
		for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
			var answer struct {
				Runs       []protocol.Run
				NextCursor string
			}
			s.Development().OK("GET", "/api/v1/jobs/job/runs?take=2&cursor="+cursor, nil, &answer)
			for _, run := range answer.Runs {
				listed = append(listed, run.ID)
			}
			cursor = answer.NextCursor
		}
		if fmt.Sprint(listed) != fmt.Sprint(newestFirst) {
			t.Errorf("the runs are %v, want %v", listed, newestFirst)
		}
		for _, unknown := range []string{"run_unknown", "zzz", "\u00ff"} {
			answer := s.Development().Do("GET", "/api/v1/jobs/job/runs?cursor="+url.QueryEscape(unknown), nil)
			checkMember(t, answer, "runs", "[]")
		}
		checkMember(t, s.Development().Do("GET", "/api/v1/jobs/unknown/runs", nil), "runs", "[]")
		checkMember(t, s.As(s.Key(protocol.Production).Secret).Do("GET", "/api/v1/jobs/job/runs", nil), "runs", "[]")
		for _, take := range []string{"0", "-5", "1000"} {
			checkStatus(t, s.Development().Do("GET", "/api/v1/jobs/job/runs?take="+take, nil), 200)
		}
		checkStatus(t, s.Development().Do("GET", "/api/v1/jobs/job/runs?take=many", nil), 400)
	})
}

func TestExplicitStatuses(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"are made, changed in part, and remembered": func(t *testing.T, s *harness.Server, app *harness.App) {
			path := "/api/v1/runs/" + openRun(s, app) + "/statuses/"
			for _, c := range []struct{ key, body, want string }{
				{"gen", `{}`, `{"key":"gen","label":"gen","history":[]}`},
				{"gen", `{"label":"Generating","state":"loading"}`, `{"key":"gen","label":"Generating","state":"loading","history":[{"label":"gen"}]}`},
				{"gen", `{"data":{"b":1,"a":null}}`, `{"key":"gen","label":"Generating","state":"loading","data":{"b":1,"a":null},"history":[{"label":"gen"},{"label":"Generating","state":"loading"}]}`},
				{"a%2Fb%20%25", `{"data":{}}`, `{"key":"a/b %","label":"a/b %","data":{},"history":[]}`},
				// The SDK writes keys into paths as they are.
				{"a/b", `{}`, `{"key":"a/b","label":"a/b","history":[]}`},
			} {
				answer := s.Development().Do("PUT", path+c.key, c.body)
				checkStatus(t, answer, 200)
				if got := string(answer.Body); got != c.want+"\n" {
					t.Errorf("%s is %s, want %s", c.key, got, c.want)
				}
			}
			s.Development().OK("PUT", path+"gen", `{"data":{"c":2}}`, nil)
			var response struct{ Statuses []protocol.ProgressStatus }
			s.Development().OK("GET", path[:len(path)-1], nil, &response)
			if len(response.Statuses) != 3 || response.Statuses[0].Key != "gen" || string(response.Statuses[0].Data) != `{"c":2}` || len(response.Statuses[0].History) != 3 {
				t.Errorf("the statuses are %s", asJSON(response.Statuses))
			}
		},
		"of what they cannot be are refused": func(t *testing.T, s *harness.Server, app *harness.App) {
			path := "/api/v1/runs/" + openRun(s, app) + "/statuses"
			for _, body := range []string{`{"state":"done"}`, `{"state":1}`, `{"label":[]}`, `{"data":[]}`, `{"data":"text"}`, `{"data":null}`, `[]`, `{`} {
				checkStatus(t, s.Development().Do("PUT", path+"/k", body), 400)
			}
			var response struct{ Statuses []protocol.ProgressStatus }
			s.Development().OK("GET", path, nil, &response)
			if len(response.Statuses) != 0 {
				t.Errorf("the statuses are %+v", response.Statuses)
			}
		},
		"are part of the notification": func(t *testing.T, s *harness.Server, app *harness.App) {
			got := app.End(nil, func(x *harness.Execution) harness.Reply {
				path := "/api/v1/runs/" + x.Body.Run.ID + "/statuses/"
				x.API.OK("PUT", path+"two", `{"label":"Second","state":"success","data":{"n":12345678901234567890}}`, nil)
				x.API.OK("PUT", path+"one", `{}`, nil)
				return harness.Success("")
			})
			want := `[{"key":"two","label":"Second","state":"success","data":{"n":12345678901234567890},"history":[]},{"key":"one","label":"one","history":[]}]`
			if asJSON(got.Progress) != want {
				t.Errorf("the statuses are %s", asJSON(got.Progress))
			}
		},
	})
}
