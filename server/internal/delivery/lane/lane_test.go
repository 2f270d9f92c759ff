package lane_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/delivery/lane"
)

// testClock stands still until it is moved.
type testClock struct {
	clock.System
	now time.Time
}

func (c *testClock) Now() time.Time { return c.now }

func newLanes() (*lane.Lanes[int], *testClock) {
	clock := &testClock{now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	return lane.New[int](clock), clock
}

var (
	arrived = lane.Result{}
	failed  = lane.Result{Failed: true}
)

// acquire fails the test if there is not room for exactly so many.
func acquire(t *testing.T, p *lane.Lanes[int], n, want int) {
	t.Helper()
	if got := p.Acquire("a", n); got != want {
		t.Fatalf("there is room for %d of %d, want %d", got, n, want)
	}
}

func TestADestinationBeginsWithAFewAndGrowsWithEachSuccess(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	acquire(t, p, 100, 4)
	acquire(t, p, 100, 0)
	if next := p.NextAt("a"); !next.IsZero() {
		t.Errorf("there is room again at %v", next)
	}
	if p.Acquire("b", 1) != 1 {
		t.Error("another destination has no room")
	}
	for range 4 {
		p.Done("a", arrived)
	}
	acquire(t, p, 100, 8)
	for range 1000 {
		p.Done("a", arrived)
		acquire(t, p, 1, 1)
	}
	acquire(t, p, 1000, lane.UsualConcurrency-8)
	for range 5 {
		p.Done("a", failed)
	}
	for range lane.UsualConcurrency - 5 {
		p.Done("a", arrived)
	}
	if next := p.NextAt("a"); next != clock.now {
		t.Errorf("there is room at %v", next)
	}
}

func TestTheBreakerOfADestinationThatFailsOpensForLongerEachTime(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	var changes []bool
	p.OnBreaker = func(destination string, open bool, until time.Time) {
		if changes = append(changes, open); destination != "a" || open && until.Sub(clock.now) != 30*time.Second {
			t.Errorf("the breaker of %q opens until %v", destination, until)
		}
	}
	for range 10 {
		acquire(t, p, 1, 1)
		p.Done("a", failed)
	}
	for _, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		if got := p.NextAt("a").Sub(clock.now); got != pause || p.Paused() != 1 {
			t.Errorf("the pause is %v, want %v", got, pause)
		}
		clock.now = clock.now.Add(pause - time.Microsecond)
		acquire(t, p, 1, 0)
		clock.now = clock.now.Add(time.Microsecond)
		acquire(t, p, 4, 1)
		acquire(t, p, 4, 0)
		p.Done("a", failed)
	}
	clock.now = clock.now.Add(10 * time.Minute)
	acquire(t, p, 4, 1)
	p.Release("a", 1) // there was nothing to send after all
	acquire(t, p, 4, 1)
	p.Done("a", arrived)
	acquire(t, p, 4, 2)
	if p.Paused() != 0 {
		t.Error("it is still paused")
	}
	if !slices.Equal(changes, []bool{true, false}) {
		t.Errorf("the breaker opened (true) and closed (false): %v, want each once", changes)
	}
}

func TestAFewFailuresAmongSuccessesAreForgiven(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	for i := range 100 {
		acquire(t, p, 1, 1)
		p.Done("a", lane.Result{Failed: i%2 == 0})
	}
	// So are failures with long pauses between them.
	for range 100 {
		acquire(t, p, 1, 1)
		p.Done("a", failed)
		clock.now = clock.now.Add(time.Minute)
	}
}

func TestAPauseThatADestinationAsksForIsReportedOnce(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	var pauses []time.Time
	p.OnPause = func(destination string, until time.Time) {
		if pauses = append(pauses, until); destination != "a" {
			t.Errorf("%q is paused", destination)
		}
	}
	busy := lane.Result{Failed: true, RetryAfter: time.Minute}
	acquire(t, p, 3, 3)
	for range 3 { // they were in flight together
		p.Done("a", busy)
	}
	first := clock.now.Add(time.Minute)
	clock.now = first
	acquire(t, p, 1, 1)
	p.Done("a", busy)
	if want := []time.Time{first, first.Add(time.Minute)}; !slices.Equal(pauses, want) {
		t.Errorf("the pauses reported end at %v, want %v", pauses, want)
	}
}

func TestADestinationIsPausedForAsLongAsItsRetryAfterSays(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	acquire(t, p, 1, 1)
	p.Done("a", lane.Result{Failed: true, RetryAfter: time.Minute})
	if got := p.NextAt("a").Sub(clock.now); got != time.Minute {
		t.Errorf("there is room in %v", got)
	}
	acquire(t, p, 1, 0)
	clock.now = clock.now.Add(time.Minute)
	acquire(t, p, 2, 2)
}

func TestALimitPerSecondAllowsASecondsWorthAtOnce(t *testing.T) {
	t.Parallel()
	p, clock := newLanes()
	p.Limit("a", lane.Limits{PerSecond: 3})
	acquire(t, p, 100, 3)
	p.Release("a", 1)
	acquire(t, p, 100, 1)
	for range 3 {
		p.Done("a", arrived)
	}
	if got := p.NextAt("a").Sub(clock.now); got < 333*time.Millisecond || got > 334*time.Millisecond {
		t.Errorf("there is room in %v", got)
	}
	clock.now = p.NextAt("a")
	acquire(t, p, 100, 1)
	p.Limit("a", lane.Limits{PerSecond: 0.1, Concurrency: 1})
	p.Done("a", arrived)
	acquire(t, p, 100, 1)
	p.Done("a", arrived)
	clock.now = clock.now.Add(5 * time.Second)
	acquire(t, p, 100, 0)
	clock.now = clock.now.Add(5 * time.Second)
	acquire(t, p, 100, 1)
}

func TestNothingIsAcquiredBeforeTheBacklog(t *testing.T) {
	t.Parallel()
	p, _ := newLanes()
	for range 4 {
		if !p.TryAcquire("a") {
			t.Fatal("there is no room")
		}
	}
	if p.TryAcquire("a") {
		t.Fatal("there is room for a fifth")
	}
	if !p.Done("a", arrived) {
		t.Error("nobody is said to wait")
	}
	if p.TryAcquire("a") {
		t.Error("one of the backlog was passed over")
	}
	acquire(t, p, 4, 2)
	p.Release("a", 1)
	p.SetBacklog("a", false)
	if !p.TryAcquire("a") || p.Done("a", arrived) {
		t.Error("somebody is said to wait when nobody is")
	}
}

func TestManyDestinationsMayBeUsedAtOnce(t *testing.T) {
	t.Parallel()
	p := lane.New[int](clock.System{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 2000 {
				destination := string(rune('a'+i)) + string(rune(n))
				if p.Acquire(destination, 2) != 2 {
					t.Error("there is no room at a new destination")
				}
				p.Done(destination, arrived)
				p.Release(destination, 1)
			}
		})
	}
	all.Wait()
}

func TestOnlyADestinationThatAnswersQuicklyHasAPrefetch(t *testing.T) {
	t.Parallel()
	quick := lane.Result{Quick: true}
	for name, c := range map[string]struct {
		limits   lane.Limits
		outcomes []lane.Result
		want     int
	}{
		"one that nothing is known of":             {want: 0},
		"one that was quick a few times":           {outcomes: repeat(quick, 10), want: 10},
		"one that was quick for long":              {outcomes: repeat(quick, 1000), want: 6 * lane.UsualConcurrency},
		"one with a limit on concurrency":          {limits: lane.Limits{Concurrency: 2}, outcomes: repeat(quick, 1000), want: 12},
		"one with a limit per second":              {limits: lane.Limits{PerSecond: 1000}, outcomes: repeat(quick, 1000), want: 0},
		"one that was slow the last time":          {outcomes: append(repeat(quick, 1000), arrived), want: 0},
		"one that failed the last time":            {outcomes: append(repeat(quick, 1000), failed), want: 0},
		"one with a Retry-After":                   {outcomes: append(repeat(quick, 10), lane.Result{Quick: true, RetryAfter: time.Minute}), want: 0},
		"one that was quick again after a failure": {outcomes: append([]lane.Result{failed}, repeat(quick, 3)...), want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := newLanes()
			p.Limit("a", c.limits)
			for _, outcome := range c.outcomes {
				p.Acquire("a", 1)
				p.Done("a", outcome)
			}
			if got, _ := p.Prefetch("a"); got != c.want {
				t.Errorf("%d may be prefetched, want %d", got, c.want)
			}
		})
	}
}

func repeat(outcome lane.Result, n int) []lane.Result {
	all := make([]lane.Result, n)
	for i := range all {
		all[i] = outcome
	}
	return all
}

func TestThePrefetchIsBoundedAndBeginsInOrderAsThereIsRoom(t *testing.T) {
	t.Parallel()
	p, _ := newLanes()
	for range 20 {
		p.Acquire("a", 1)
		p.Done("a", lane.Result{Quick: true})
	}
	if allowed, room := p.Prefetch("a"); allowed != 20 || room != 20 {
		t.Fatalf("%d may be prefetched, with room for %d", allowed, room)
	}
	items := make([]int, 20)
	for i := range items {
		items[i] = i
	}
	p.Put("a", items)
	if allowed, room := p.Prefetch("a"); allowed != 20 || room != 0 || p.TryAcquire("a") {
		t.Errorf("%d may be prefetched, with room for %d, or one was acquired before them", allowed, room)
	}
	acquire(t, p, 100, 24) // as many as it has grown to
	if begun, low := p.Begin("a", 3); len(begun) != 0 || !low {
		t.Errorf("%v began without room", begun)
	}
	p.Release("a", 2)
	if begun, low := p.Begin("a", 3); !slices.Equal(begun, items[:2]) || low {
		t.Errorf("%v began, low: %v", begun, low)
	}
	if got := p.Prefetched(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("items are prefetched for %v", got)
	}
	p.Done("a", failed)
	if _, room := p.Prefetch("a"); room != 0 {
		t.Errorf("after a failure there is room for %d", room)
	}
	if back := p.TakeAll("a"); !slices.Equal(back, items[2:]) || len(p.Prefetched()) != 0 {
		t.Errorf("%v is given back, and %v left", back, p.Prefetched())
	}
	// All destinations together have a bound.
	total := 0
	for i := range 20 {
		destination := string(rune('b' + i))
		for range 300 {
			p.Acquire(destination, 1)
			p.Done(destination, lane.Result{Quick: true})
		}
		_, room := p.Prefetch(destination)
		p.Put(destination, make([]int, room))
		total += room
	}
	if total != 2048 {
		t.Errorf("%d are prefetched in all", total)
	}
}
