package listener

// phase is what a connection is at, in the order in which connections are closed
// when there are too many: first those that have asked for nothing yet, or are
// slow to, and callers with a key last. One that is being answered never is.
type phase int

const (
	// beginning is before the first request has been received.
	beginning phase = iota
	// sending is while the bodies of all its requests are on their way.
	sending
	// idle is between requests.
	idle
	// sendingWithKey and idleWithKey are the same, once a request on the connection
	// had a valid key.
	sendingWithKey
	idleWithKey
	// answering is while a request is worked on.
	answering
)

// queue is a list of connections, in the order in which they came to their phase.
// The zero value is empty. Each connection has a link for each queue it can be in.
type queue struct{ first, last *connection }

type link struct{ before, after *connection }

// which says which of its links a connection is in a queue by.
type which int

const (
	amongAll which = iota
	amongItsOwn
)

func (q *queue) add(c *connection, by which) {
	c.links[by] = link{before: q.last}
	if q.last == nil {
		q.first = c
	} else {
		q.last.links[by].after = c
	}
	q.last = c
}

func (q *queue) remove(c *connection, by which) {
	l := c.links[by]
	if l.before == nil {
		q.first = l.after
	} else {
		l.before.links[by].after = l.after
	}
	if l.after == nil {
		q.last = l.before
	} else {
		l.after.links[by].before = l.before
	}
	c.links[by] = link{}
}

// population is a number of connections: all of them, those of an address, or those
// above the limit.
type population struct {
	count  int
	queues [answering]queue
}

func (p *population) join(c *connection, by which) {
	p.count++
	p.enqueue(c, by)
}

func (p *population) leave(c *connection, by which) {
	p.count--
	p.dequeue(c, by)
}

func (p *population) enqueue(c *connection, by which) {
	if c.phase < answering {
		p.queues[c.phase].add(c, by)
	}
}

func (p *population) dequeue(c *connection, by which) {
	if c.phase < answering {
		p.queues[c.phase].remove(c, by)
	}
}

// expendable returns the connection that is missed least; nil if all are being
// answered.
func (p *population) expendable() *connection {
	for _, q := range p.queues {
		if q.first != nil {
			return q.first
		}
	}
	return nil
}
