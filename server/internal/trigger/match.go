package trigger

import (
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
func matching(event model.Event, listeners []model.Dispatcher) targets {
	var matched targets
	if len(listeners) == 0 {
		return matched
	}
	decode := filter.DecodeEvent
	if event.IsRequest {
		decode = filter.DecodeRequestEvent
	}
	decoded := decode(event.Payload, event.Context)
	for _, d := range listeners {
		if d.AccountID != "" && d.AccountID != event.AccountID {
			continue
		}
		// A filter that cannot be read matches nothing.
		rule, err := filter.ParseRule(d.PayloadFilter, d.ContextFilter)
		if err == nil && rule.Match(decoded) {
			matched.add(d)
		}
	}
	return matched
}
