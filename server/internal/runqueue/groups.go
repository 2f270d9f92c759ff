package runqueue

import "github.com/runhook/runhook/server/internal/fairness"

// group counts the executions in flight of the environments, or of the endpoints, and
// knows which of them have runs that wait because they are saturated.
type group struct {
	inFlight fairness.InFlight
	// waiting are those that have runs which must wait. No run of theirs overtakes
	// those.
	waiting map[string]bool
}

func newGroup() group { return group{inFlight: fairness.InFlight{}, waiting: map[string]bool{}} }

// mustWait reports whether a run of one must wait, and notes that it does.
func (g *group) mustWait(id string, free int) bool {
	if g.waiting[id] || g.inFlight.Saturated(id, free) {
		g.waiting[id] = true
		return true
	}
	return false
}

// freed reports whether any that waited may begin.
func (g *group) freed(free int) bool {
	for id := range g.waiting {
		if !g.inFlight.Saturated(id, free) {
			return true
		}
	}
	return false
}

// saturated returns those that must wait.
func (g *group) saturated(free int) []string {
	ids := g.inFlight.AllSaturated(free)
	for _, id := range ids {
		g.waiting[id] = true
	}
	return ids
}

// keepWaiting says that only those still wait.
func (g *group) keepWaiting(ids []string) {
	g.waiting = map[string]bool{}
	for _, id := range ids {
		g.waiting[id] = true
	}
}
