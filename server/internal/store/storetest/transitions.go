package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var transitionTests = []test{
	{"an execution ends only by the transitions that start from its status", executionTransitions},
	{"a run moves only by the transitions that start from its status", moveTransitions},
	{"a run is claimed only from the statuses in which an execution starts", claimTransitions},
	{"a run is released only while it executes", releaseTransitions},
	{"a run is continued only after an end that is not success", continueTransitions},
	{"a task ends only by the transitions that start from its status", taskEndTransitions},
	{"the open tasks of a run end only by the transitions that start from their status", openTaskTransitions},
	{"a task is retried only while it is worked on", retryTransitions},
	{"a task's pause ends only while it waits", pauseTransitions},
	{"a task is reopened only after it failed", reopenTransitions},
	{"a task is revived only after it was canceled", reviveTransitions},
	{"a notification changes its status only by the transitions that start from it", notificationTransitions},
	{"every transition of the model is enumerated by a test", enumeratedTransitions},
}

var runStatuses = []protocol.RunStatus{
	protocol.RunPending, protocol.RunQueued, protocol.RunWaitingOnConnections, protocol.RunPreprocessing, protocol.RunStarted,
	protocol.RunExecuting, protocol.RunWaitingToContinue, protocol.RunWaitingToExecute,
	protocol.RunSuccess, protocol.RunFailure, protocol.RunTimedOut, protocol.RunAborted, protocol.RunCanceled,
	protocol.RunUnresolvedAuth, protocol.RunInvalidPayload,
}

var taskStatuses = []protocol.TaskStatus{
	protocol.TaskPending, protocol.TaskWaiting, protocol.TaskRunning,
	protocol.TaskCompleted, protocol.TaskErrored, protocol.TaskCanceled,
}

var notificationStatuses = []model.NotificationStatus{
	model.NotificationPending, model.NotificationDelivered, model.NotificationExhausted, model.NotificationHeld,
}

// attempt tries a transition and reports whether it was taken. Being lost is the
// only way in which it may be refused.
func (f *fixture) attempt(fn func(tx *store.Tx) error) bool {
	f.Helper()
	err := f.store.Update(f.Context(), fn)
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		f.Fatal(err)
	}
	return err == nil
}

// wantRun fails the test unless the run took the transition exactly if it was to,
// and is otherwise as it was.
func (f *fixture) wantRun(transition model.RunTransition, before model.Run, taken bool) {
	f.Helper()
	after := f.storedRun(before)
	allowed := slices.Contains(transition.From, before.Status)
	switch {
	case taken != allowed:
		f.Errorf("%q from %s: taken is %v, want %v", transition.Cause, before.Status, taken, allowed)
	case allowed && after.Status != transition.To:
		f.Errorf("%q from %s led to %s, want %s", transition.Cause, before.Status, after.Status, transition.To)
	case !allowed:
		equal(f, transition.Cause+" from "+string(before.Status), after, before)
	}
}

func executionTransitions(f *fixture) {
	for _, transition := range model.RunTransitions {
		for _, status := range runStatuses {
			run := f.insertRun(leased("node_a"), withStatus(status))
			taken := f.attempt(func(tx *store.Tx) error { return tx.EndExecution(run, store.RunChange{Transition: transition}) })
			f.wantRun(transition, run, taken)
		}
	}
}

func moveTransitions(f *fixture) {
	for _, transition := range model.RunTransitions {
		for _, status := range runStatuses {
			run := f.insertRun(leasedNot(status))
			if status == protocol.RunExecuting {
				run = f.insertRun(leased("node_a"))
			}
			taken := f.attempt(func(tx *store.Tx) error {
				locked, _, err := tx.LockRun(run.ID)
				if err != nil {
					return err
				}
				return tx.MoveRun(locked, store.RunChange{Transition: transition})
			})
			f.wantRun(transition, run, taken)
		}
	}
}

func claimTransitions(f *fixture) {
	for _, status := range runStatuses {
		run := f.insertRun(withStatus(status))
		claimed := f.claim("node_a", 10)
		f.wantRun(model.RunExecutes, run, slices.Contains(claimed, run.ID))
	}
}

func releaseTransitions(f *fixture) {
	for _, status := range runStatuses {
		run := f.insertRun(leased("node_a"), withStatus(status))
		f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
		f.wantRun(model.RunReleased, run, f.storedRun(run).Lease.Owner == "")
	}
}

func continueTransitions(f *fixture) {
	for _, status := range runStatuses {
		run := f.insertRun(leasedNot(status))
		taken := f.attempt(func(tx *store.Tx) error { return tx.ContinueRun(run) })
		f.wantRun(model.RunContinues, run, taken)
	}
}

// wantTask does for a task what wantRun does for a run.
func (f *fixture) wantTask(transition model.TaskTransition, before model.Task, taken bool) {
	f.Helper()
	after := f.storedTask(before)
	allowed := slices.Contains(transition.From, before.Status)
	switch {
	case taken != allowed:
		f.Errorf("%q from %s: taken is %v, want %v", transition.Cause, before.Status, taken, allowed)
	case allowed && after.Status != transition.To:
		f.Errorf("%q from %s led to %s, want %s", transition.Cause, before.Status, after.Status, transition.To)
	case !allowed:
		equal(f, transition.Cause+" from "+string(before.Status), after, before)
	}
}

// eachTask calls test with a new task in each status.
func (f *fixture) eachTask(test func(run model.Run, task model.Task)) {
	f.Helper()
	for _, status := range taskStatuses {
		run := f.insertRun(leased("node_a"))
		test(run, f.insertTask(run, "key", taskStatus(status)))
	}
}

func taskEndTransitions(f *fixture) {
	output := []byte(`"output"`)
	for _, transition := range model.TaskTransitions {
		end := store.TaskEnd{Transition: transition, Output: output}
		f.eachTask(func(_ model.Run, task model.Task) {
			ended, taken := findOrNot(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.EndTask(f.environment.ID, task.ID, end) })
			f.wantTask(transition, task, taken)
			if taken {
				equal(f, "the task as returned", ended, f.storedTask(task))
			}
		})
		f.eachTask(func(run model.Run, task model.Task) {
			_, taken := findOrNot(f, func(tx *store.Tx) (store.EndedTask, bool, error) {
				return tx.EndTaskOfRun(f.environment.ID, run.ID, task.ID, end)
			})
			f.wantTask(transition, task, taken)
		})
	}
}

// findOrNot is lookUp in a transaction that writes.
func findOrNot[T any](f *fixture, fn func(tx *store.Tx) (T, bool, error)) (value T, found bool) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		value, found, err = fn(tx)
		return err
	})
	return value, found
}

func openTaskTransitions(f *fixture) {
	for _, transition := range []model.TaskTransition{model.TaskRunFailed, model.TaskRunCanceled} {
		f.eachTask(func(run model.Run, task model.Task) {
			f.update(func(tx *store.Tx) error { return tx.EndOpenTasks(run.ID, transition, nil) })
			f.wantTask(transition, task, !f.storedTask(task).CompletedAt.IsZero())
		})
	}
}

func retryTransitions(f *fixture) {
	f.eachTask(func(_ model.Run, task model.Task) {
		taken := f.attempt(func(tx *store.Tx) error { return tx.RetryTask(task, `{"message":"failed"}`, tx.Now()) })
		f.wantTask(model.TaskRetries, task, taken)
	})
}

func pauseTransitions(f *fixture) {
	f.eachTask(func(_ model.Run, task model.Task) {
		taken := f.attempt(func(tx *store.Tx) error { return tx.EndPause(task.ID) })
		f.wantTask(model.TaskPauseEnds, task, taken)
	})
}

func reopenTransitions(f *fixture) {
	f.eachTask(func(run model.Run, task model.Task) {
		f.update(func(tx *store.Tx) error { return tx.ReopenTasks(run, []string{task.ID}) })
		f.wantTask(model.TaskReopens, task, f.storedTask(task).Status != task.Status)
	})
}

func reviveTransitions(f *fixture) {
	for _, transition := range []model.TaskTransition{model.TaskRevives, model.TaskRewaits, model.TaskRedoNoop} {
		f.eachTask(func(_ model.Run, task model.Task) {
			taken := f.attempt(func(tx *store.Tx) error { return tx.ReviveTask(task, transition) })
			f.wantTask(transition, task, taken)
		})
	}
}

func notificationTransitions(f *fixture) {
	run := f.insertRun()
	for _, transition := range model.NotificationTransitions {
		for _, status := range notificationStatuses {
			before := f.insertNotification(run, sentBy("node_a"), func(n *model.Notification) { n.Status = status })
			f.clock.Advance(time.Second)
			// The attempt is recorded in every status, as it was made.
			f.update(func(tx *store.Tx) error {
				return endAttempt(tx, before, transition, model.NotificationAttempt{Number: 1, Cause: model.AttemptResend})
			})
			want := status
			if slices.Contains(transition.From, status) {
				want = transition.To
			}
			if got := f.storedNotification(before).Status; got != want {
				f.Errorf("%q from %s led to %s, want %s", transition.Cause, status, got, want)
			}
		}
	}
}

func enumeratedTransitions(f *fixture) {
	var from, to []protocol.RunStatus
	for _, transition := range model.RunTransitions {
		from, to = append(from, transition.From...), append(to, transition.To)
		if transition.From == nil || transition.Cause == "" {
			f.Errorf("%+v starts nowhere or has no cause", transition)
		}
	}
	for _, status := range slices.Concat(from, to) {
		if !slices.Contains(runStatuses, status) {
			f.Errorf("no test looks at runs that are %s", status)
		}
	}
	for _, status := range runStatuses {
		if slices.Contains(model.OpenRunStatuses(), status) && status.Terminal() {
			f.Errorf("a run that is %s is open and has ended", status)
		}
	}
	for _, transition := range model.TaskTransitions {
		for _, status := range append(transition.From, transition.To) {
			if !slices.Contains(taskStatuses, status) {
				f.Errorf("no test looks at tasks that are %s", status)
			}
		}
	}
	for _, transition := range model.NotificationTransitions {
		for _, status := range append(transition.From, transition.To) {
			if !slices.Contains(notificationStatuses, status) {
				f.Errorf("no test looks at notifications that are %s", status)
			}
		}
	}
}
