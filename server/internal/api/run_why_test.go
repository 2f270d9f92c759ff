package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/runs/why"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// reasonOf returns why a run does not move, which its details must say, too.
func reasonOf(t *testing.T, c *harness.Client, run string) (answer why.Answer) {
	t.Helper()
	c.OK("GET", "/api/runhook/v1/runs/"+run+"/why", nil, &answer)
	var details struct {
		Status protocol.RunStatus
		Why    *why.Answer
	}
	c.OK("GET", "/api/runhook/v1/runs/"+run, nil, &details)
	if details.Status.Terminal() != (details.Why == nil) {
		t.Errorf("the details of a run that is %s say %+v", details.Status, details.Why)
	}
	if details.Why != nil && details.Why.Sentence != answer.Sentence {
		t.Errorf("the details say %q, and the answer %q", details.Why.Sentence, answer.Sentence)
	}
	return answer
}

// waitForEvent is a step that waits for an event.
func waitForEvent(name, filter string) harness.Step {
	return func(x *harness.Execution) harness.Reply {
		task := x.Task("payment", harness.Callback(3600))
		x.API.OK("POST", "/api/v1/event-dispatchers/ephemeral",
			`{"url":"`+*task.CallbackURL+`","name":"`+name+`","filter":`+filter+`,"timeoutInSeconds":3600}`, nil)
		return harness.Resume(task)
	}
}

// waitingParent returns a run that waits for one that waits for an event.
func waitingParent(c *harness.Client, app *harness.App) string {
	key := app.Script(waitForEvent("order.paid", `{"number":[7]}`))
	parent := app.Run(nil, func(x *harness.Execution) harness.Reply {
		task := x.Task("child", harness.Callback(3600))
		x.API.Invoke(harness.JobID, protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: *task.CallbackURL}}, protocol.HeaderIdempotencyKey, key)
		return harness.Resume(task)
	})
	c.WaitRun(parent, protocol.RunWaitingToContinue)
	var answer why.Answer
	for answer.Sentence == "" || answer.Tasks[0].Child == nil || answer.Tasks[0].Child.Why == nil || answer.Tasks[0].Child.Why.Code != why.AwaitsEvent {
		c.OK("GET", "/api/runhook/v1/runs/"+parent+"/why", nil, &answer) // until the child waits
	}
	return parent
}

func checkReason(t *testing.T, answer why.Answer, code why.Code, says ...string) {
	t.Helper()
	if answer.Code != code {
		t.Errorf("the code is %q, want %q: %s", answer.Code, code, answer.Sentence)
	}
	for _, want := range says {
		if !strings.Contains(answer.Sentence, want) {
			t.Errorf("it does not say %q: %s", want, answer.Sentence)
		}
	}
}

func TestARunThatDoesNotMoveSaysWhy(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		c := s.Development()
		waiting := func(step harness.Step) why.Answer {
			t.Helper()
			run := app.Run(nil, step)
			c.WaitRun(run, protocol.RunWaitingToContinue)
			return reasonOf(t, c, run)
		}
		later := s.Clock.Now().Add(time.Hour).UTC()
		until := later.Format("2006-01-02 15:04:05Z")
		checkReason(t, waiting(func(x *harness.Execution) harness.Reply {
			return harness.Resume(x.Task("cool-off", harness.Noop, harness.Delay(later)))
		}), why.Delay, `It waits: task "cool-off" sleeps until `+until)
		checkReason(t, waiting(func(x *harness.Execution) harness.Reply {
			return harness.Retry(x.Task("charge"), later)
		}), why.Retry, `task "charge" has failed once, and is tried again at `+until)
		checkReason(t, waiting(func(x *harness.Execution) harness.Reply {
			return harness.Resume(x.Task("approval", harness.Callback(3600)))
		}), why.Callback, `task "approval" waits for a POST to its callback URL, and fails at `)
		checkReason(t, waiting(waitForEvent("order.freed", `{"number":[5]}`)), why.AwaitsEvent,
			`task "payment" waits for event "order.freed" with payload {"number":[5]}, and fails at `)
		parallel := waiting(func(x *harness.Execution) harness.Reply {
			both := x.Task("both", harness.Parallel)
			a, b := x.Task("a", harness.Child(both), harness.Noop, harness.Delay(later)), x.Task("b", harness.Child(both), harness.Noop, harness.Delay(later))
			return harness.ResumeParallel(both, harness.Resume(a), harness.Resume(b))
		})
		checkReason(t, parallel, why.Delay, `It waits for 2 tasks. The first: task "a" sleeps`)
		if len(parallel.WokenBy) != 2 || parallel.WokenBy[1].ID != parallel.Tasks[2].ID || parallel.Tasks[0].Code != why.Group {
			t.Errorf("the parallel tasks are %+v, woken by %+v", parallel.Tasks, parallel.WokenBy)
		}
		parent := reasonOf(t, c, waitingParent(c, app))
		checkReason(t, parent, why.ChildRun, `waits for child run run_`, `of job "job". Of that: It waits: task "payment" waits for event "order.paid"`)

		invoked := c.Invoke(harness.JobID, `{"options":{"startAfterInSeconds":3600}}`)
		checkReason(t, reasonOf(t, c, invoked), why.NotDue, "not due before "+until)
		ended := app.Run(nil, harness.Always(harness.Success("")))
		c.WaitRun(ended, protocol.RunSuccess)
		checkReason(t, reasonOf(t, c, ended), why.Ended, "It ended as SUCCESS")
		if answer := c.Do("GET", "/api/runhook/v1/runs/run_none/why", nil); answer.Status != 404 {
			t.Errorf("a run that is none answers %d", answer.Status)
		}
		if answer := s.As(s.Key(protocol.Production).Secret).Do("GET", "/api/runhook/v1/runs/"+ended+"/why", nil); answer.Status != 404 {
			t.Errorf("a run of another environment answers %d", answer.Status)
		}
	})
}

func TestARunThatWaitsForRoomNamesWhoHasIt(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewUnregisteredApp(t, s)
		app.SetIndex(harness.Index(strings.Replace(harness.Job(harness.JobID, harness.JobVersion), `"enabled":true`, `"enabled":true,"concurrencyLimit":{"id":"payments","limit":1}`, 1)))
		c := s.Development()
		app.Register(c, "app")
		began, release := make(chan struct{}), make(chan struct{})
		holder := app.Run(nil, func(*harness.Execution) harness.Reply {
			close(began)
			<-release
			return harness.Success("")
		})
		<-began
		executing := reasonOf(t, c, holder)
		checkReason(t, executing, why.Executing, `App "app" is executing it since`)
		first, second := app.Run(nil, harness.Always(harness.Success(""))), app.Run(nil, harness.Always(harness.Success("")))
		s.Wait("the runs to be parked", func() bool {
			var answer why.Answer
			c.OK("GET", "/api/runhook/v1/runs/"+second+"/why", nil, &answer)
			return answer.Limit != nil && answer.Limit.Ahead == 1
		})
		answer := reasonOf(t, c, second)
		checkReason(t, answer, why.Limited, `room under limit "payments" of 1, held by `+holder, "1 run waits before it")
		if answer.WokenBy[0].Kind != why.ByRoom || answer.WokenBy[0].ID != holder {
			t.Errorf("it is woken by %+v", answer.WokenBy)
		}
		close(release)
		for _, run := range []string{holder, first, second} {
			c.WaitRun(run, protocol.RunSuccess)
		}
	})
}

func TestARunWhoseAppIsAwaySaysSince(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	c := s.Development()
	away := app.Run(nil, harness.Always(harness.HTTP(503, "down")), harness.Always(harness.Success("")))
	c.WaitRun(away, protocol.RunWaitingToExecute)
	answer := reasonOf(t, c, away)
	checkReason(t, answer, why.AppFails, `App "app" is not answering since 2026-03-01 10:00:0`, "503", "attempt 2 of 10 is at 2026-03-01 10:0")
	if answer.App == nil || answer.App.Attempt != 2 || answer.App.Error == "" || answer.Until == nil {
		t.Errorf("the facts are %+v", answer)
	}
}
