package e2e

import (
	"slices"
	"testing"
)

// toldRuns are runs as getRuns lists them.
type toldRuns struct {
	Runs       []struct{ ID, Status string }
	NextCursor string
}

var runScenarios = []scenario{
	{"a run asks about itself", func(t *testing.T, s *stack) {
		n := s.run(t, "asks-about-runs", nil)
		wantStatus(t, n, "SUCCESS")
		var got struct {
			Own struct {
				ID, Status string
				Tasks      []taskDetails
			}
			Statuses struct{ Statuses []struct{ Key, State string } }
			Listed   bool
			Unknown  string
		}
		decode(t, n.Output, &got)
		if got.Own.ID != n.ID || got.Own.Status != "EXECUTING" || len(got.Own.Tasks) != 3 || len(got.Own.Tasks[1].Subtasks) != 1 {
			t.Errorf("the run as it sees itself: %+v", got.Own)
		}
		if len(got.Statuses.Statuses) != 1 || got.Statuses.Statuses[0].State != "loading" || !got.Listed || got.Unknown != "Run not found" {
			t.Errorf("the run received: %s", n.Output)
		}
	}},
	{"the client pages through runs and tasks", func(t *testing.T, s *stack) {
		var invoked []string
		for range 3 {
			invoked = append(invoked, s.run(t, "nested-tasks", nil).ID)
		}
		var listed []string
		cursor := ""
		for range 20 {
			options := map[string]any{"take": 2}
			if cursor != "" {
				options["cursor"] = cursor
			}
			var page toldRuns
			s.app.mustClient(t, &page, "getRuns", "nested-tasks", options)
			for _, run := range page.Runs {
				listed = append(listed, run.ID)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		// Newest first. Other scenarios have run the job, too.
		slices.Reverse(listed)
		var ours []string
		for _, id := range listed {
			if slices.Contains(invoked, id) {
				ours = append(ours, id)
			}
		}
		if !slices.Equal(ours, invoked) || !slices.IsSorted(listed) {
			t.Errorf("the list has %v, want %v in it, in order", listed, invoked)
		}
		var page struct {
			Tasks      []taskDetails
			NextCursor string
		}
		s.app.mustClient(t, &page, "getRun", invoked[0], map[string]any{"take": 1})
		if len(page.Tasks) != 1 || *page.Tasks[0].DisplayKey != "parent" || page.NextCursor == "" {
			t.Fatalf("the first page of tasks is %+v", page)
		}
		s.app.mustClient(t, &page, "getRun", invoked[0], map[string]any{"take": 1, "cursor": page.NextCursor})
		if len(page.Tasks) != 1 || *page.Tasks[0].DisplayKey != "child" {
			t.Errorf("the second page of tasks is %+v", page)
		}
	}},
	{"a run that is canceled while it executes comes back at its next task", func(t *testing.T, s *stack) {
		run := s.invoke(t, "is-canceled-at-a-task", invocation{})
		s.app.get(t, "holding "+run)
		var got struct{ ID, Status string }
		s.app.mustClient(t, &got, "cancelRun", run)
		if got.ID != run || got.Status != "CANCELED" {
			t.Errorf("cancelRun returned %+v", got)
		}
		n := s.webhooks.await(t, run)
		wantStatus(t, n, "CANCELED")
		s.app.put(t, "release "+run, nil)
		s.until(t, "the app has answered the execution", func() bool { return s.app.relay.executions(run) > 0 })
		s.wantCounts(t, run, map[string]int{"before": 1, "holds": 1})
		if status := s.status(t, run); status != "CANCELED" {
			t.Errorf("the run is %s after its execution came back, want CANCELED", status)
		}
	}},
	{"a run that waits is canceled, and stays so", func(t *testing.T, s *stack) {
		run := s.invoke(t, "waits-long", invocation{})
		s.until(t, "the run waits", func() bool { return s.status(t, run) == "WAITING_TO_CONTINUE" })
		for range 2 {
			var got struct{ Status string }
			s.app.mustClient(t, &got, "cancelRun", run)
			if got.Status != "CANCELED" {
				t.Errorf("cancelRun returned a run that is %s", got.Status)
			}
		}
		n := s.webhooks.await(t, run)
		wantStatus(t, n, "CANCELED")
		s.wantCounts(t, run, map[string]int{"before": 1})
	}},
	{"a run that has ended is not canceled", func(t *testing.T, s *stack) {
		n := s.run(t, "yields", nil)
		var got struct{ Status, Output string }
		s.app.mustClient(t, &got, "cancelRun", n.ID)
		if got.Status != "SUCCESS" || got.Output != "back" {
			t.Errorf("cancelRun returned %+v, want the run as it ended", got)
		}
		if thrown := s.app.client(t, nil, "cancelRun", "no-such-run"); thrown == "" {
			t.Error("a run that does not exist was canceled")
		}
	}},
	{"a run cancels itself", func(t *testing.T, s *stack) {
		n := s.run(t, "cancels-itself", nil)
		wantStatus(t, n, "CANCELED")
		s.until(t, "the app has answered the execution", func() bool { return s.app.relay.executions(n.ID) > 0 })
		s.wantCounts(t, n.ID, map[string]int{"cancel": 1})
	}},
	{"a run cancels others", func(t *testing.T, s *stack) {
		one := s.invoke(t, "waits-long", invocation{})
		all := []string{s.invoke(t, "is-canceled-with-its-job", invocation{}), s.invoke(t, "is-canceled-with-its-job", invocation{})}
		for _, run := range all {
			s.app.get(t, "waiting "+run)
		}
		n := s.run(t, "cancels-others", map[string]string{"run": one})
		wantStatus(t, n, "SUCCESS")
		var got struct {
			One string
			All struct{ CancelledRunIDs, FailedToCancelRunIDs []string }
		}
		decode(t, n.Output, &got)
		slices.Sort(got.All.CancelledRunIDs)
		slices.Sort(all)
		if got.One != "CANCELED" || !slices.Equal(got.All.CancelledRunIDs, all) || len(got.All.FailedToCancelRunIDs) != 0 {
			t.Errorf("the run received %s, want %v to be canceled", n.Output, all)
		}
		for _, run := range append(all, one) {
			wantStatus(t, s.webhooks.await(t, run), "CANCELED")
		}
		if thrown := s.app.client(t, nil, "cancelRunsForJob", "no-such-job"); thrown == "" {
			t.Error("the runs of a job that does not exist were canceled")
		}
	}},
}
