package e2e

import (
	"fmt"
	"testing"
)

// finished are the tasks that holds-in-the-middle has finished when it holds.
var finished = []string{"first", "inner", "item 3", "item 4"}

// untilItHolds invokes holds-in-the-middle and returns once it holds.
func (s *stack) untilItHolds(t *testing.T) (run string) {
	t.Helper()
	run = s.invoke(t, "holds-in-the-middle", invocation{})
	s.app.get(t, "holding "+run)
	s.wantCalled(t, run, 1, append(finished, "holds")...)
	return run
}

// goesOn releases the run, and checks that it ended without repeating what was
// finished.
func (s *stack) goesOn(t *testing.T, run string) {
	t.Helper()
	s.app.put(t, "release "+run, nil)
	wantOutput(t, s.webhooks.await(t, run), `[1, 2, 3, 4, 5, 6]`)
	s.wantCalled(t, run, 1, finished...)
	s.webhooks.check(t)
}

func TestARunContinuesWhenItsAppWasKilled(t *testing.T) {
	t.Parallel()
	withEveryStack(t, func(t *testing.T, s *stack) {
		run := s.untilItHolds(t)
		s.app.kill(t, run)
		s.app.start(t, s.api.url, s.apiKey)
		s.app.get(t, "holding "+run)
		s.goesOn(t, run)
		s.wantCalled(t, run, 2, "holds")
		s.wantCalled(t, run, 1, "last")
	})
}

func TestARunContinuesWhenTheServerWasKilled(t *testing.T) {
	t.Parallel()
	withEveryStack(t, func(t *testing.T, s *stack) {
		run := s.untilItHolds(t)
		// When the server dies while a task is being completed, the older SDK takes
		// that for an error of the task. So this run is left alone by its app.
		waiting := s.invoke(t, "waits-through-a-restart", invocation{})
		s.until(t, "another run waits", func() bool { return s.status(t, waiting) == "WAITING_TO_CONTINUE" })
		s.server.kill()
		s.startServer(t)
		// The new server executes the run again, while the first execution still
		// holds in the app.
		s.until(t, "the run is executed again", func() bool { return s.app.counts(t, run)["holds"] >= 2 })
		s.goesOn(t, run)
		wantStatus(t, s.webhooks.await(t, waiting), "SUCCESS")
		s.wantCalled(t, waiting, 1, "before", "after")
	})
}

// waiting are runs that wait for what others do.
type waiting struct{ child, parent, event, request, address string }

// untilRunsWait invokes a run for each kind of callback, and returns once they wait.
func (s *stack) untilRunsWait(t *testing.T) (w waiting) {
	t.Helper()
	w.parent = s.invoke(t, "invokes-and-waits", invocation{payload: object{"status": "CANCELED", "child": object{"reportAs": "child of waiting"}}})
	w.event = s.invoke(t, "waits-for-an-event", invocation{payload: object{"order": 7}})
	w.request = s.invoke(t, "waits-for-a-request", invocation{})
	w.child, w.address = s.app.get(t, "child of waiting"), s.app.get(t, w.request)
	for _, run := range []string{w.child, w.parent, w.event, w.request} {
		s.untilWaiting(t, run)
	}
	return w
}

// resume does what the runs wait for, and checks that they resume.
func (w waiting) resume(t *testing.T, s *stack) {
	t.Helper()
	s.app.mustClient(t, nil, "cancelRun", w.child)
	s.app.mustClient(t, nil, "sendEvent", object{"name": "order.paid", "payload": object{"order": 7}}, object{})
	ask(t, "POST", w.address, "", object{"yes": true}, nil)
	for _, run := range []string{w.parent, w.event, w.request} {
		wantStatus(t, s.webhooks.await(t, run), "SUCCESS")
		s.wantCalled(t, run, 1, "before", "after")
	}
}

func TestAServerThatIsStoppedHandsItsRunsOverToOneAtAnotherAddress(t *testing.T) {
	t.Parallel()
	withEveryStack(t, func(t *testing.T, s *stack) {
		waiting := s.untilRunsWait(t)
		const steps = 120
		run := s.invoke(t, "steps", invocation{payload: map[string]int{"steps": steps}})
		s.app.get(t, "stepping "+run)
		if err := s.server.stop(t); err != nil {
			t.Errorf("the server stopped with %v", err)
		}
		counts := s.app.counts(t, run)
		if counts["run"] != 1 || counts[fmt.Sprint("step ", steps-1)] != 0 {
			t.Errorf("the run was not handed over in the middle: %v", counts)
		}
		s.serve(t, "--dev-api-key="+s.apiKey, "--public-url=http://moved.internal:1")
		n := s.webhooks.await(t, run)
		wantOutput(t, n, `"walked"`)
		waiting.resume(t, s)
		for i := range steps {
			s.wantCalled(t, run, 1, fmt.Sprint("step ", i))
		}
		s.webhooks.check(t)
	})
}
