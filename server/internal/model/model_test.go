package model_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

func TestIDsOfAMillisecondSortInTheOrderTheyWereMade(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	last := model.NewID(model.PrefixRun, noon)
	for i := range 100 {
		// Transactions that began a moment earlier or later get ids in between.
		later := model.NewID(model.PrefixRun, noon.Add(time.Duration(i)*time.Millisecond+time.Millisecond))
		model.NewID(model.PrefixRun, noon.Add(-time.Hour))
		id := model.NewID(model.PrefixRun, noon)
		if id <= last || later <= id {
			t.Fatalf("%s, %s and %s are not in order", last, id, later)
		}
		last = id
	}
}

func TestIDsMadeAtOnceDiffer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	seen := map[string]bool{}
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(func() {
			for range 500 {
				id := model.NewID(model.PrefixTask, now)
				mu.Lock()
				if seen[id] {
					t.Errorf("%s was made twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	makers.Wait()
}

func TestAnIDSaysWhatItNames(t *testing.T) {
	t.Parallel()
	if id := model.NewID(model.PrefixRun, time.Now()); !strings.HasPrefix(id, "run_") || id != strings.ToLower(id) || len(id) != 4+26 {
		t.Errorf("the id of a run is %s", id)
	}
	// A notification's id is signed between dots.
	if id := model.NewID(model.PrefixNotification, time.Now()); strings.Contains(id, ".") {
		t.Errorf("the id of a notification is %s", id)
	}
}

func TestASecretHasItsBytes(t *testing.T) {
	t.Parallel()
	if a, b := model.NewSecret(12), model.NewSecret(12); len(a) != 24 || a == b {
		t.Errorf("the secrets are %s and %s", a, b)
	}
}

func TestTheLifeOfARun(t *testing.T) {
	t.Parallel()
	for _, transition := range model.RunTransitions {
		if transition.Cause == "" || len(transition.From) == 0 {
			t.Errorf("%+v says not why or from where", transition)
		}
		// Only continuing again leaves an end.
		for _, from := range transition.From {
			if from.Terminal() && (transition.To.Terminal() || from == protocol.RunSuccess) {
				t.Errorf("%q leads from %s to %s", transition.Cause, from, transition.To)
			}
		}
	}
	reached := map[protocol.RunStatus]bool{protocol.RunQueued: true, protocol.RunExecuting: true}
	for range model.RunTransitions {
		for _, transition := range model.RunTransitions {
			if slices.ContainsFunc(transition.From, func(s protocol.RunStatus) bool { return reached[s] }) {
				reached[transition.To] = true
			}
		}
	}
	for _, status := range []protocol.RunStatus{
		protocol.RunWaitingToContinue, protocol.RunWaitingToExecute, protocol.RunSuccess, protocol.RunFailure, protocol.RunTimedOut,
		protocol.RunAborted, protocol.RunCanceled, protocol.RunUnresolvedAuth, protocol.RunInvalidPayload,
	} {
		if !reached[status] {
			t.Errorf("no run can be %s", status)
		}
	}
	for _, status := range model.OpenRunStatuses() {
		if status.Terminal() {
			t.Errorf("%s is open and terminal", status)
		}
		if !slices.Contains(model.RunCanceled.From, status) || !slices.Contains(model.RunAborted.From, status) {
			t.Errorf("a run that is %s cannot be canceled or aborted", status)
		}
	}
}

func TestTheLifeOfATask(t *testing.T) {
	t.Parallel()
	for _, transition := range model.TaskTransitions {
		if transition.Cause == "" || len(transition.From) == 0 {
			t.Errorf("%+v says not why or from where", transition)
		}
		if slices.Contains(transition.From, protocol.TaskCompleted) {
			t.Errorf("%q leads away from COMPLETED, so finished work would be repeated", transition.Cause)
		}
	}
}

func TestTheLifeOfANotification(t *testing.T) {
	t.Parallel()
	for _, transition := range model.NotificationTransitions {
		if slices.Contains(transition.From, model.NotificationDelivered) && transition.To != model.NotificationDelivered {
			t.Errorf("%q makes a delivered notification %s", transition.Cause, transition.To)
		}
	}
}

func TestErrorsKeepTheirKindWhenWrapped(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("context: %w", model.Errorf(model.NotFound, "no %s", "run"))
	if model.CodeOf(err) != model.NotFound || model.CodeOf(fmt.Errorf("other")) != 0 || model.CodeOf(nil) != 0 {
		t.Errorf("the kind of %v is %d", err, model.CodeOf(err))
	}
}
