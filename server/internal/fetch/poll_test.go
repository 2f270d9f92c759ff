package fetch_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/fetch"
)

func TestAPollGoesOnUntilItsFilterMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		until  members
		status int
		body   string
		kind   fetch.OutcomeKind
		output string
	}{
		{"any answer will do", members{}, 500, `{"s":"wait"}`, fetch.Finished, `{"s":"wait"}`},
		{"an answer that is not JSON is null", members{}, 200, `wait`, fetch.Finished, `null`},
		{"the body matches", members{"body": members{"s": []string{"ok"}}}, 200, `{"s":"ok"}`, fetch.Finished, `{"s":"ok"}`},
		{"the body does not", members{"body": members{"s": []string{"ok"}}}, 200, `{"s":"wait"}`, fetch.Again, ``},
		{"the body is not JSON", members{"body": members{}}, 200, `ok`, fetch.Again, ``},
		{"the status matches", members{"status": []int{201, 404}}, 404, ``, fetch.Finished, `null`},
		{"the status does not", members{"status": []int{200}, "body": members{"s": []string{"ok"}}}, 500, `{"s":"ok"}`, fetch.Again, ``},
		{"the header matches in any case", members{"headers": members{"x-STATE": []string{"done"}}}, 200, `1`, fetch.Finished, `1`},
		{"the header does not", members{"headers": members{"x-state": []string{"busy"}}}, 200, `1`, fetch.Again, ``},
		{"a long error is not kept", members{"status": []int{200}}, 503, strings.Repeat("1", fetch.MaxBodyBytes+1), fetch.Again, ``},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, answering(test.status, test.body, "X-State", "done"))
			outcome := attempt(t, fetch.OperationPoll, s.URL, members{"responseFilter": test.until})
			expect(t, outcome, test.kind, test.output, 10*time.Second)
			if outcome.AttemptError != "" || outcome.Poll == nil {
				t.Errorf("attempt error %q, shown as %+v", outcome.AttemptError, outcome.Poll)
			}
			if test.kind == fetch.Finished && !strings.Contains(string(outcome.Context), `"x-state":"done"`) {
				t.Errorf("context %s", outcome.Context)
			}
		})
	}
}

func TestEveryRequestOfAPollIsShown(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, shown string }{
		{"with its body", `{"a":12345678901234567890}`, `,"body":{"a":12345678901234567890}`},
		{"without a body that is not JSON", `no`, ``},
		{"without a body that is long", `"` + strings.Repeat("a", 40<<10) + `"`, ``},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, answering(418, test.body, "Content-Type", "x", "Content-Length", ""))
			outcome := attempt(t, fetch.OperationPoll, s.URL+"/job", members{
				"requestInit": members{"method": "post"}, "responseFilter": members{"status": []int{200}},
			})
			got := *outcome.Poll
			params := string(got.Params)
			got.Params = nil
			want := fetch.PollAttempt{
				Name: "poll attempt", Icon: "activity", Noop: true,
				Style: protocol.Style{Style: "minimal", Variant: "info"}, Description: "POST " + s.URL + "/job 418",
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("shown as %+v", got)
			}
			if !strings.HasPrefix(params, `{"status":418,"headers":{`) || !strings.HasSuffix(params, "}"+test.shown+"}") {
				t.Errorf("with %s", params)
			}
		})
	}
}

func TestAPollKeepsToItsTimes(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(200, `1`))
	tests := []struct {
		name  string
		times members
		age   time.Duration
		pause time.Duration
		fails string
	}{
		{"ten seconds by default", members{}, 0, 10 * time.Second, ""},
		{"as often as it says", members{"interval": 60}, 0, time.Minute, ""},
		{"not too often", members{"interval": 1}, 0, 10 * time.Second, ""},
		{"not too seldom", members{"interval": 7200, "timeout": 3600}, 0, 10 * time.Minute, ""},
		{"not beyond its end", members{"timeout": 60}, 55 * time.Second, 5 * time.Second, ""},
		{"ten minutes by default", members{}, 10 * time.Minute, 0, "Task timed out after 600 seconds"},
		{"until it ends", members{"timeout": 60}, 60 * time.Second, 0, "Task timed out after 60 seconds"},
		{"no shorter than half a minute", members{"timeout": 1}, 29 * time.Second, time.Second, ""},
		{"no longer than an hour", members{"timeout": 1e9}, time.Hour, 0, "Task timed out after 3600 seconds"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.times["responseFilter"] = members{"status": []int{500}}
			asked := task(t, fetch.OperationPoll, s.URL, test.times)
			asked.StartedAt = now.Add(-test.age)
			outcome := checked(t, client(t).Attempt(context.Background(), asked))
			if test.fails != "" {
				expect(t, outcome, fetch.Failed, `{"message":"`+test.fails+`"}`, 0)
				return
			}
			expect(t, outcome, fetch.Again, "", test.pause)
		})
	}
}

func TestAPollSurvivesABrokenConnection(t *testing.T) {
	t.Parallel()
	gone := newSite(t, answering(200, ``))
	gone.Close()
	tests := []struct {
		name    string
		request members
		kind    fetch.OutcomeKind
		pause   time.Duration
	}{
		{"until its next turn", nil, fetch.Again, 10 * time.Second},
		{"as it says itself", members{"retry": fixed(3)}, fetch.Again, 3 * time.Second},
		{"without haste", members{"retry": members{"minTimeoutInMs": 1, "randomize": false}}, fetch.Again, time.Second},
		{"unless it says otherwise", members{"retry": members{"limit": 0}}, fetch.Failed, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := task(t, fetch.OperationPoll, gone.URL, members{"responseFilter": members{}, "requestTimeout": test.request})
			asked.Attempt = 400
			outcome := checked(t, client(t).Attempt(context.Background(), asked))
			if outcome.Kind != test.kind || outcome.Poll != nil || !strings.Contains(outcome.AttemptError, "connection refused") {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
			if test.kind == fetch.Again && outcome.RetryAt.Sub(now) != test.pause {
				t.Errorf("again in %s", outcome.RetryAt.Sub(now))
			}
		})
	}
}

func TestAPollOfARefusedAddressFails(t *testing.T) {
	t.Parallel()
	outcome := attempt(t, fetch.OperationPoll, "http://169.254.169.254/", members{"responseFilter": members{}})
	if outcome.Kind != fetch.Failed || !strings.Contains(outcome.AttemptError, "refused to connect") {
		t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
	}
}

func TestARequestOfAPollTakesAtMostFiveSeconds(t *testing.T) {
	tests := []struct {
		name    string
		request members
		taken   time.Duration
		kind    fetch.OutcomeKind
	}{
		{"by default", nil, 5 * time.Second, fetch.Failed},
		{"whatever it says", members{"durationInMs": 60_000}, 5 * time.Second, fetch.Failed},
		{"less if it says so", members{"durationInMs": 1500}, 1500 * time.Millisecond, fetch.Failed},
		{"and then continues if it says so", members{"retry": fixed(3)}, 5 * time.Second, fetch.Again},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				asked := task(t, fetch.OperationPoll, "http://x.test/", members{"responseFilter": members{}, "requestTimeout": test.request})
				asked.StartedAt = started
				outcome := checked(t, fetch.New(fetch.Config{Outgoing: faked(silent)}).Attempt(context.Background(), asked))
				if outcome.Kind != test.kind || time.Since(started) != test.taken || !strings.HasPrefix(outcome.AttemptError, "Fetch timed out after ") {
					t.Errorf("%s after %s: %s", outcome.Kind, time.Since(started), outcome.AttemptError)
				}
				if test.kind == fetch.Again && time.Until(outcome.RetryAt) != 3*time.Second {
					t.Errorf("again in %s", time.Until(outcome.RetryAt))
				}
			})
		})
	}
}

func TestInvalidParametersFailAPoll(t *testing.T) {
	t.Parallel()
	const url = `{"url":"https://x.test",`
	tests := []struct{ name, params, message string }{
		{"nothing", ``, "the parameters: want an object"},
		{"no filter", url + `"interval":10}`, "responseFilter is missing: say which answer ends the poll"},
		{"an invalid filter", url + `"responseFilter":{"status":["200"]}}`, `responseFilter: the filter at "status.0" is text: want a number`},
		{"an interval that is no number", url + `"responseFilter":{},"interval":"10s"}`, "interval must be a number"},
		{"a time-out that is an object", url + `"responseFilter":{},"timeout":{}}`, "timeout must be a number"},
		{"a request time-out that is none", url + `"responseFilter":{},"requestTimeout":5}`, "requestTimeout: want an object"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			outcome := checked(t, client(t).Attempt(context.Background(), fetch.Task{Operation: fetch.OperationPoll, Params: raw(test.params)}))
			if want := "Invalid fetch poll params: " + test.message; outcome.Kind != fetch.Failed || outcome.AttemptError != want {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
		})
	}
}
