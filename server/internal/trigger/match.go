package trigger

import (
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// targets are the ids of the dispatchers that an event is for, by their kinds.
type targets struct{ jobs, waits []string }

func (t targets) count() int { return len(t.jobs) + len(t.waits) }

func (t *targets) add(d model.Dispatcher) {
	if d.Kind == model.DispatchWait {
		t.waits = append(t.waits, d.ID)
		return
	}
	t.jobs = append(t.jobs, d.ID)
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
