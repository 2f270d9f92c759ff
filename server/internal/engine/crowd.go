package engine

import "sync"

// crowd counts the executions in flight of each endpoint, so that one whose
// executions do not end, or that has very many, leaves room for the others. An
// endpoint may have twice as many in flight as there are free slots: one alone
// gets two thirds of them, and whoever comes next always finds some.
//
// It may be used concurrently.
type crowd struct {
	slots int

	mu       sync.Mutex
	total    int
	inFlight map[string]int
	// waiting are the endpoints that have runs which must wait. No run of theirs
	// overtakes those.
	waiting map[string]bool
}

func newCrowd(slots int) *crowd {
	return &crowd{slots: slots, inFlight: map[string]int{}, waiting: map[string]bool{}}
}

// full reports whether an endpoint has as many executions in flight as it may.
func (c *crowd) full(endpoint string) bool {
	n := c.inFlight[endpoint]
	return n > 0 && n >= 2*(c.slots-c.total)
}

// enter counts an execution of an endpoint, unless the endpoint must wait.
func (c *crowd) enter(endpoint string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[endpoint] || c.full(endpoint) {
		c.waiting[endpoint] = true
		return false
	}
	c.add(endpoint)
	return true
}

// add counts an execution of an endpoint that had to be let in.
func (c *crowd) add(endpoint string) {
	c.total++
	c.inFlight[endpoint]++
}

// leave ends an execution. It reports whether runs that waited may go on now.
func (c *crowd) leave(endpoint string) (wake bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.inFlight[endpoint]--; c.inFlight[endpoint] == 0 {
		delete(c.inFlight, endpoint)
	}
	for waiting := range c.waiting {
		if !c.full(waiting) {
			return true
		}
	}
	return false
}

// passOver returns the endpoints that must wait, and how many executions may be
// claimed at once: never all the free slots, which might all go to one endpoint.
func (c *crowd) passOver() (endpoints []string, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for endpoint := range c.inFlight {
		if c.full(endpoint) {
			c.waiting[endpoint] = true
			endpoints = append(endpoints, endpoint)
		}
	}
	return endpoints, max(1, (c.slots-c.total)/2)
}

// claimed counts executions that were claimed, by their endpoints. done says that
// no due run is left but those of the endpoints that were passed over.
func (c *crowd) claimed(endpoints, passedOver []string, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, endpoint := range endpoints {
		c.add(endpoint)
	}
	if !done {
		return
	}
	still := map[string]bool{}
	for _, endpoint := range passedOver {
		still[endpoint] = true
	}
	c.waiting = still
}
