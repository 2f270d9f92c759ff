package delivery

import (
	"math"
	"sync/atomic"

	"github.com/runhook/runhook/server/internal/budget"
)

// DefaultBodyBytes is how many bytes of bodies a service holds in memory usually.
const DefaultBodyBytes = 256 << 20

// freshShare is which part of the bytes is for notifications that this process sends
// as it writes them. The rest is for those that it claims, so that the pump alone takes
// from that: what it finds free stays free while it claims.
const freshShare = 4

// bodies bounds how many bytes the bodies of notifications take in memory, from the
// claim to the end of the delivery, in all and for each environment, which may have half
// of them. A notification whose body does not fit waits as a row. It may be used
// concurrently.
type bodies struct {
	fresh, claimed *budget.Budget[string]
	// short is set when a claim left due notifications for which there was no room.
	short atomic.Bool
	// freed is called when there is room again after that.
	freed func()
}

func newBodies(bytes int64, freed func()) *bodies {
	fresh := bytes / freshShare
	claimed := bytes - fresh
	return &bodies{fresh: budget.New[string](fresh, fresh/2), claimed: budget.New[string](claimed, claimed/2), freed: freed}
}

// acquireFresh takes room for the body of a notification that is about to be written.
func (b *bodies) acquireFresh(environment string, bytes int64) bool {
	return b.fresh.TryAcquire(environment, bytes) == nil
}

func (b *bodies) releaseFresh(environment string, bytes int64) { b.fresh.Release(environment, bytes) }

// acquireClaimed takes room for bodies that the pump is about to load, for which there
// is some.
func (b *bodies) acquireClaimed(environment string, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	return b.claimed.TryAcquire(environment, bytes)
}

// isShort reports whether there was too little room when it was as given, and has
// freed be called once there is more.
func (b *bodies) isShort(environment string, was budget.Room) bool {
	if was.Single == math.MaxInt64 {
		return false
	}
	b.short.Store(true)
	if b.claimed.Room(environment).Single > was.Single { // meanwhile
		b.freed()
	}
	return true
}

func (b *bodies) releaseClaimed(environment string, bytes int64) {
	if bytes == 0 {
		return
	}
	b.claimed.Release(environment, bytes)
	if b.short.CompareAndSwap(true, false) {
		b.freed()
	}
}
