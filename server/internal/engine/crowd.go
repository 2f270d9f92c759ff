package engine

import (
	"sync"

	"github.com/runhook/runhook/server/internal/store"
)

// crowd counts the executions in flight of each environment and endpoint, so that
// one whose executions do not end, or that has very many, leaves room for the
// others. Either may have twice as many in flight as there are free slots: one alone
// gets two thirds of them, and whoever comes next always finds some. An environment
// gets no more for having many endpoints.
//
// It may be used concurrently.
type crowd struct {
	slots int

	mu           sync.Mutex
	total        int
	environments group
	endpoints    group
}

// group counts those of one kind, by id.
type group struct {
	inFlight map[string]int
	// waiting are those that have runs which must wait. No run of theirs overtakes
	// those.
	waiting map[string]bool
}

func newCrowd(slots int) *crowd {
	newGroup := func() group { return group{inFlight: map[string]int{}, waiting: map[string]bool{}} }
	return &crowd{slots: slots, environments: newGroup(), endpoints: newGroup()}
}

// full reports whether one of a group has as many executions in flight as it may.
func (g *group) full(id string, free int) bool {
	n := g.inFlight[id]
	return n > 0 && n >= 2*free
}

// mustWait reports whether a run must wait, and notes that it does.
func (g *group) mustWait(id string, free int) bool {
	if g.waiting[id] || g.full(id, free) {
		g.waiting[id] = true
		return true
	}
	return false
}

func (g *group) leave(id string) {
	if g.inFlight[id]--; g.inFlight[id] == 0 {
		delete(g.inFlight, id)
	}
}

// freed reports whether any that waited may go on.
func (g *group) freed(free int) bool {
	for id := range g.waiting {
		if !g.full(id, free) {
			return true
		}
	}
	return false
}

// passOver returns those that must wait.
func (g *group) passOver(free int) (ids []string) {
	for id := range g.inFlight {
		if g.full(id, free) {
			g.waiting[id] = true
			ids = append(ids, id)
		}
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

// enter counts an execution, unless its environment or endpoint must wait.
func (c *crowd) enter(environment, endpoint string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := c.slots - c.total
	if c.environments.mustWait(environment, free) || c.endpoints.mustWait(endpoint, free) {
		return false
	}
	c.add(environment, endpoint)
	return true
}

// add counts an execution that had to be let in. The lock must be held.
func (c *crowd) add(environment, endpoint string) {
	c.total++
	c.environments.inFlight[environment]++
	c.endpoints.inFlight[endpoint]++
}

// leave ends an execution. It reports whether runs that waited may go on now.
func (c *crowd) leave(environment, endpoint string) (wake bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	c.environments.leave(environment)
	c.endpoints.leave(endpoint)
	free := c.slots - c.total
	return c.environments.freed(free) || c.endpoints.freed(free)
}

// passOver returns whose runs must wait, and how many executions may be claimed at
// once: never all the free slots, which might all go to one.
func (c *crowd) passOver() (passed store.PassedOver, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := c.slots - c.total
	passed.Environments, passed.Endpoints = c.environments.passOver(free), c.endpoints.passOver(free)
	return passed, max(1, free/2)
}

// claimed counts executions that were claimed. done says that no due run is left but
// those that were passed over.
func (c *crowd) claimed(executions []store.Execution, passed store.PassedOver, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range executions {
		c.add(x.Run.EnvironmentID, x.Endpoint.ID)
	}
	if done {
		c.environments.keepWaiting(passed.Environments)
		c.endpoints.keepWaiting(passed.Endpoints)
	}
}
