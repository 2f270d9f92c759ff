package listener

import (
	"net"
	"net/netip"
	"sync"
)

// caps counts the connections and keeps them below the limits. When one comes that
// is too many, the most expendable is closed in its favour; if none is, because all
// are being answered, it is kept in reserve for a probe. It may be used
// concurrently.
type caps struct {
	total, perAddress, reserve int

	mu     sync.Mutex
	all    population
	own    map[netip.Addr]*population
	spare  population
	closed bool
	// given counts the connections that were closed in favour of others, and refused
	// those for which there was not even a reserve.
	given, refused int
}

func newCaps(total, perAddress, reserve int) *caps {
	return &caps{total: total, perAddress: perAddress, reserve: reserve, own: map[netip.Addr]*population{}}
}

// admit adds a connection, of an address that is counted unless it is invalid. It
// reports whether there is room for it; otherwise it is to be closed.
func (a *caps) admit(c *connection) (admitted bool) {
	var victim *connection
	a.mu.Lock()
	defer func() {
		a.mu.Unlock()
		if victim != nil {
			_ = victim.Conn.Close() // reads and writes then fail
		}
	}()
	if a.closed {
		return false
	}
	own := a.own[c.address]
	switch {
	case own != nil && c.address.IsValid() && own.count >= a.perAddress:
		victim = own.expendable()
	case a.all.count >= a.total:
		victim = a.all.expendable()
	default:
		a.join(c)
		return true
	}
	if victim != nil {
		a.given++
		a.leave(victim)
		a.join(c)
		return true
	}
	if a.spare.count >= a.reserve {
		if victim = a.spare.expendable(); victim == nil {
			a.refused++
			return false
		}
		a.given++
		a.leave(victim)
	}
	c.spare = true
	a.join(c)
	return true
}

func (a *caps) join(c *connection) {
	c.counted = true
	if c.spare {
		a.spare.join(c, amongAll)
		return
	}
	a.all.join(c, amongAll)
	own := a.own[c.address]
	if own == nil {
		own = &population{}
		a.own[c.address] = own
	}
	own.join(c, amongItsOwn)
}

func (a *caps) leave(c *connection) {
	if !c.counted {
		return
	}
	c.counted = false
	if c.spare {
		a.spare.leave(c, amongAll)
		return
	}
	a.all.leave(c, amongAll)
	own := a.own[c.address]
	if own.leave(c, amongItsOwn); own.count == 0 {
		delete(a.own, c.address)
	}
}

// gone forgets a connection that was closed.
func (a *caps) gone(c *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leave(c)
}

// change has a connection do something that changes its phase.
func (a *caps) change(c *connection, do func(*connection)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !c.counted {
		do(c)
		return
	}
	if c.spare {
		a.spare.dequeue(c, amongAll)
		c.to(do)
		a.spare.enqueue(c, amongAll)
		return
	}
	own := a.own[c.address]
	a.all.dequeue(c, amongAll)
	own.dequeue(c, amongItsOwn)
	c.to(do)
	a.all.enqueue(c, amongAll)
	own.enqueue(c, amongItsOwn)
}

// closeBeginning closes the connections on which nothing has been asked, and has
// none admitted any more.
func (a *caps) closeBeginning() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, of := range []*population{&a.all, &a.spare} {
		for c := of.queues[beginning].first; c != nil; {
			next := c.links[amongAll].after
			a.leave(c)
			_ = c.Conn.Close()
			c = next
		}
	}
}

var _ net.Conn = (*connection)(nil)

// pressure returns how many connections were closed in favour of others, how many
// were refused, and how many are open.
func (a *caps) pressure() (given, refused, open int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.given, a.refused, a.all.count + a.spare.count
}
