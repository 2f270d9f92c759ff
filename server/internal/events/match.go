package events

import (
	"sync"

	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// targets are the ids of the dispatchers that an event is for, by their kinds.
type targets struct{ jobs, dynamicTriggers, waits []string }

func (t targets) count() int { return len(t.jobs) + len(t.dynamicTriggers) + len(t.waits) }

func (t *targets) add(d model.Dispatcher) {
	switch d.Kind {
	case model.DispatchJob:
		t.jobs = append(t.jobs, d.ID)
	case model.DispatchDynamicTrigger:
		t.dynamicTriggers = append(t.dynamicTriggers, d.ID)
	case model.DispatchWait:
		t.waits = append(t.waits, d.ID)
	}
}

// versions returns the versions of jobs that targets start now.
func (t targets) versions(tx *store.Tx) ([]store.JobVersion, error) {
	versions, err := tx.JobVersionsToStart(t.jobs)
	if err != nil {
		return nil, err
	}
	more, err := tx.JobVersionsOfDynamicTriggers(t.dynamicTriggers)
	return append(versions, more...), err
}

// matching returns the dispatchers that an event is for, of those that listen for
// its name and source.
func matching(event model.Event, listeners []model.Dispatcher) (matched targets) {
	matcher(event)(&matched, listeners)
	return matched
}

// matcher returns a function that adds to targets those of some listeners that an
// event is for. The event is decoded once, when there is a listener.
func matcher(event model.Event) func(matched *targets, listeners []model.Dispatcher) {
	decoded := sync.OnceValue(func() filter.Event {
		if event.IsRequest {
			return filter.DecodeRequestEvent(event.Payload, event.Context)
		}
		return filter.DecodeEvent(event.Payload, event.Context)
	})
	return func(matched *targets, listeners []model.Dispatcher) {
		for _, d := range listeners {
			if d.AccountID != "" && d.AccountID != event.AccountID {
				continue
			}
			// A filter that cannot be read matches nothing.
			rule, err := filter.ParseRule(d.PayloadFilter, d.ContextFilter)
			if err == nil && rule.Match(decoded()) {
				matched.add(d)
			}
		}
	}
}
