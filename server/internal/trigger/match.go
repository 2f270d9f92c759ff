package trigger

import (
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// matching returns the ids of the dispatchers that an event is for, of those that
// listen for its name and source.
func matching(event model.Event, listeners []model.Dispatcher) []string {
	if len(listeners) == 0 {
		return nil
	}
	decode := filter.DecodeEvent
	if event.IsRequest {
		decode = filter.DecodeRequestEvent
	}
	decoded := decode(event.Payload, event.Context)
	var matched []string
	for _, d := range listeners {
		if d.AccountID != "" && d.AccountID != event.AccountID {
			continue
		}
		// A filter that cannot be read matches nothing.
		rule, err := filter.ParseRule(d.PayloadFilter, d.ContextFilter)
		if err == nil && rule.Match(decoded) {
			matched = append(matched, d.ID)
		}
	}
	return matched
}
