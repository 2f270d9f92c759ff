package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/runhook/runhook/protocol"
)

var waitScenarios = []scenario{
	{"a run resumes with the event it waited for", func(t *testing.T, s *stack) {
		run := s.invoke(t, "waits-for-an-event", invocation{payload: object{"order": 7}})
		s.untilWaiting(t, run)
		s.app.mustClient(t, nil, "sendEvent", object{"id": "paid 8", "name": "order.paid", "payload": object{"order": 8}}, object{})
		for _, id := range []string{"paid 7", "paid 7 again"} { // the second has no effect
			event := object{"id": id, "name": "order.paid", "payload": object{"order": 7}, "context": object{"c": 1}, "timestamp": "2026-01-31T12:00:00.000Z"}
			s.app.mustClient(t, nil, "sendEvent", event, object{"accountId": "customer"})
		}
		wantOutput(t, s.webhooks.await(t, run), `{"isDate": true, "event": {
			"id": "paid 7", "name": "order.paid", "source": "trigger.dev", "payload": {"order": 7}, "context": {"c": 1},
			"timestamp": "2026-01-31T12:00:00.000Z", "accountId": "customer"}}`)
		s.wantCalled(t, run, 1, "before", "after")
	}},
	{"a run waits for an event of an account", func(t *testing.T, s *stack) {
		run := s.invoke(t, "waits-for-an-event", invocation{payload: object{"order": 70, "accountId": "mine"}})
		s.untilWaiting(t, run)
		for _, account := range []string{"other", "mine"} {
			s.app.mustClient(t, nil, "sendEvent", object{"id": "of " + account, "name": "order.paid", "payload": object{"order": 70}}, object{"accountId": account})
		}
		var got struct {
			Event struct{ ID string }
		}
		decode(t, s.webhooks.await(t, run).Output, &got)
		if got.Event.ID != "of mine" {
			t.Errorf("the run resumed with the event %q", got.Event.ID)
		}
	}},
	{"parallel items wait for an event each", func(t *testing.T, s *stack) {
		run := s.invoke(t, "waits-for-events-side-by-side", invocation{})
		s.untilWaiting(t, run)
		events := make([]object, 3)
		for i := range events {
			events[i] = object{"name": "own." + run, "source": "shop", "payload": object{"n": i + 1}}
		}
		s.app.mustClient(t, nil, "sendEvents", events, object{})
		wantOutput(t, s.webhooks.await(t, run), `[1, 2, 3]`)
	}},
	{"a run whose wait for an event times out fails", func(t *testing.T, s *stack) {
		n := s.run(t, "waits-for-an-event-and-fails", nil)
		if wantStatus(t, n, protocol.RunFailure) && (n.Task == nil || *n.Task.CacheKey != "never") {
			t.Errorf("the task is %+v", n.Task)
		}
	}},
}

// untilWaiting waits until a run waits for something.
func (s *stack) untilWaiting(t *testing.T, run string) {
	t.Helper()
	s.until(t, "run "+run+" waits", func() bool { return s.status(t, run) == string(protocol.RunWaitingToContinue) })
}

var storeScenarios = []scenario{
	{"values are kept for the environment, a job and a run", func(t *testing.T, s *stack) {
		const value = `{"list": [1, "zwei", null], "text": "<&> 😀", "large": 9007199254740991}`
		kept := fmt.Sprintf(`[false, null, %s, true, %[1]s`, value)
		n := s.run(t, "keeps-values", object{"name": "50%"})
		wantOutput(t, n, fmt.Sprintf(`{"env": %s], "job": %[1]s, true, false], "run": %[1]s, true, false]}`, kept))
		var found json.RawMessage
		s.app.mustClient(t, &found, "store.env.get", "a key/50%")
		wantJSON(t, "the value for the environment", found, value)
	}},
	{"values are kept outside of runs", func(t *testing.T, s *stack) {
		var set, got []int
		var has, deleted, again bool
		s.app.mustClient(t, &set, "store.env.set", "outside", []int{1, 2})
		s.app.mustClient(t, &got, "store.env.get", "outside")
		s.app.mustClient(t, &has, "store.env.has", "outside")
		s.app.mustClient(t, &deleted, "store.env.delete", "outside")
		s.app.mustClient(t, &again, "store.env.has", "outside")
		if len(set) != 2 || len(got) != 2 || !has || !deleted || again {
			t.Errorf("set %v, got %v, has %v, deleted %v, has then %v", set, got, has, deleted, again)
		}
	}},
	{"a value that is too large fails its task", func(t *testing.T, s *stack) {
		wantStatus(t, s.run(t, "keeps-too-much", nil), protocol.RunFailure)
	}},
}
