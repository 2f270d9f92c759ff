package events_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnEvent(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"is returned with its runs in the order they were created, to public keys too": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("b", "1.0.0", on("get")), listener("a", "1.0.0", on("get")))
			key := app.Script(harness.Always(harness.Reply{Hang: true}), harness.Always(harness.Success("")))
			send(s, object{"id": key, "name": "get"}, nil)
			public := s.As(s.Key(protocol.Development).Public)
			var got protocol.EventDetails
			answer := public.OK("GET", "/api/v2/events/"+key, nil, &got, "Origin", "http://localhost:5173")
			if got := answer.Header.Get("Access-Control-Allow-Origin"); got != "http://localhost:5173" {
				t.Errorf("the page may be of %q", got)
			}
			if len(got.Runs) != 2 || got.Runs[0].ID > got.Runs[1].ID {
				t.Fatalf("the runs are %+v", got.Runs)
			}
			members := answer.Members()
			delete(members, "runs")
			wantMembers(t, members, map[string]string{"id": `"` + key + `"`, "name": `"get"`, "createdAt": clockText, "updatedAt": clockText})
			for i, run := range got.Runs {
				var legacy protocol.EventDetails
				public.OK("GET", "/api/v1/events/"+key, nil, &legacy)
				if run.Status != protocol.RunExecuting || run.StartedAt == nil || run.CompletedAt != nil || legacy.Runs[i].Status != protocol.RunStarted {
					t.Errorf("the run is %+v, and %s to old clients", run, legacy.Runs[i].Status)
				}
			}
			cancelRuns(t, s, key, 2)
		},
		"that is unknown is a 404 in JSON, also to a page": func(t *testing.T, s *harness.Server, _ *harness.App) {
			for _, path := range []string{"/api/v2/events/unknown", "/api/v1/events/unknown"} {
				answer := s.Development().Do("GET", path, nil, "Origin", "http://localhost:5173")
				wantRefusal(t, answer, http.StatusNotFound, "Event not found")
				if answer.Header.Get("Access-Control-Allow-Origin") == "" {
					t.Errorf("the page may not read the answer of %s", path)
				}
			}
			for _, path := range []string{"/api/v1/events/unknown/cancel", "/api/v1/events/unknown/cancel-runs"} {
				wantRefusal(t, s.Development().Do("POST", path, nil), http.StatusNotFound, "Event not found")
			}
			wantRefusal(t, s.Development().Do("POST", "/api/v1/events/unknown/reset", nil), http.StatusNotFound, "Not found")
		},
		"is found whatever its id": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("odd", "1.0.0", on("odd")))
			for _, id := range []string{
				"user@example.com:42", "a/b", "a/cancel", "with space", "50%", "ünï ☃", "a?b#c", "a+b", "bulk", "endpoint.f3b4:id-1~x",
			} {
				send(s, object{"id": id, "name": "odd"}, nil)
				escaped := url.PathEscape(id)
				if got := details(s, escaped); got.ID != id || len(got.Runs) != 1 {
					t.Errorf("the event %q is %+v", id, got)
				}
				var canceled protocol.EventLog
				s.Development().OK("POST", "/api/v1/events/"+escaped+"/cancel", nil, &canceled)
				if canceled.ID != id || canceled.CancelledAt == nil {
					t.Errorf("the canceled event %q is %+v", id, canceled)
				}
			}
			for _, path := range []string{"/api/v1/events/bulk", "/api/v2/events/bulk"} {
				if answer := s.Development().OK("GET", path, nil, nil); string(answer.Members()["id"]) != `"bulk"` {
					t.Errorf("%s answers %s", path, answer.Body)
				}
			}
			// As the Node SDK asks, which escapes nothing.
			if got := details(s, "a/b"); got.ID != "a/b" {
				t.Errorf("the event a/b is %+v", got)
			}
		},
		"that was delivered can be canceled, and its runs continue": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("kept", "1.0.0", on("kept")))
			send(s, object{"id": "kept", "name": "kept"}, nil)
			s.Development().OK("POST", "/api/v1/events/kept/cancel", nil, nil)
			wantJobs(t, s, app, "kept", "kept@1.0.0")
		},
		"has its open runs canceled, and no others": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, listener("slow", "1.0.0", on("slow")), listener("waits", "1.0.0", on("slow")))
			key := app.Script(func(x *harness.Execution) harness.Reply {
				if x.Body.Job.ID == "slow" {
					return harness.Success(`"done"`)
				}
				return harness.Resume(x.Task("callback", harness.Callback(3600)))
			})
			send(s, object{"id": key, "name": "slow"}, nil)
			send(s, object{"id": "beside", "name": "slow"}, nil)
			for _, run := range details(s, key).Runs {
				s.Development().WaitRun(run.ID, protocol.RunSuccess, protocol.RunWaitingToContinue)
			}
			cancelRuns(t, s, key, 1)
			cancelRuns(t, s, key, 0)
			wantJobs(t, s, app, "beside", "slow@1.0.0", "waits@1.0.0")
		},
	})
}

func cancelRuns(t *testing.T, s *harness.Server, id string, want int) {
	t.Helper()
	var canceled protocol.CanceledRuns
	answer := s.Development().OK("POST", "/api/v1/events/"+id+"/cancel-runs", nil, &canceled)
	if len(canceled.Canceled) != want || string(answer.Members()["failedToCancelRunIds"]) != "[]" {
		t.Errorf("canceling answers %s, want %d runs", answer.Body, want)
	}
	for _, run := range canceled.Canceled {
		s.Development().WaitRun(run, protocol.RunCanceled)
	}
}
