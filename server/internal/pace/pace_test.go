package pace_test

import (
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/pace"
)

// testClock stands still until it is moved.
type testClock struct {
	clock.System
	now time.Time
}

func (c *testClock) Now() time.Time { return c.now }

func newPacer() (*pace.Pacer, *testClock) {
	clock := &testClock{now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	return pace.New(clock), clock
}

var (
	arrived = pace.Outcome{}
	failed  = pace.Outcome{Failed: true}
)

// reserve fails the test if there is not room for exactly so many.
func reserve(t *testing.T, p *pace.Pacer, n, want int) {
	t.Helper()
	if got := p.Reserve("a", n); got != want {
		t.Fatalf("there is room for %d of %d, want %d", got, n, want)
	}
}

func TestADestinationBeginsWithAFewAndGrowsWithEachSuccess(t *testing.T) {
	t.Parallel()
	p, clock := newPacer()
	reserve(t, p, 100, 4)
	reserve(t, p, 100, 0)
	if next := p.Next("a"); !next.IsZero() {
		t.Errorf("there is room again at %v", next)
	}
	if p.Reserve("b", 1) != 1 {
		t.Error("another destination has no room")
	}
	for range 4 {
		p.Done("a", arrived)
	}
	reserve(t, p, 100, 8)
	for range 1000 {
		p.Done("a", arrived)
		reserve(t, p, 1, 1)
	}
	reserve(t, p, 1000, pace.UsualConcurrency-8)
	for range 5 {
		p.Done("a", failed)
	}
	for range pace.UsualConcurrency - 5 {
		p.Done("a", arrived)
	}
	if next := p.Next("a"); next != clock.now {
		t.Errorf("there is room at %v", next)
	}
}

func TestADestinationThatFailsIsLeftAloneForLongerEachTime(t *testing.T) {
	t.Parallel()
	p, clock := newPacer()
	for range 10 {
		reserve(t, p, 1, 1)
		p.Done("a", failed)
	}
	for _, pause := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		if got := p.Next("a").Sub(clock.now); got != pause || p.Open() != 1 {
			t.Errorf("the pause is %v, want %v", got, pause)
		}
		clock.now = clock.now.Add(pause - time.Microsecond)
		reserve(t, p, 1, 0)
		clock.now = clock.now.Add(time.Microsecond)
		reserve(t, p, 4, 1)
		reserve(t, p, 4, 0)
		p.Done("a", failed)
	}
	clock.now = clock.now.Add(10 * time.Minute)
	reserve(t, p, 4, 1)
	p.Release("a", 1) // there was nothing to send after all
	reserve(t, p, 4, 1)
	p.Done("a", arrived)
	reserve(t, p, 4, 2)
	if p.Open() != 0 {
		t.Error("it is still left alone")
	}
}

func TestAFewFailuresAmongSuccessesAreForgiven(t *testing.T) {
	t.Parallel()
	p, clock := newPacer()
	for i := range 100 {
		reserve(t, p, 1, 1)
		p.Done("a", pace.Outcome{Failed: i%2 == 0})
	}
	// So are failures with long pauses between them.
	for range 100 {
		reserve(t, p, 1, 1)
		p.Done("a", failed)
		clock.now = clock.now.Add(time.Minute)
	}
}

func TestADestinationIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	t.Parallel()
	p, clock := newPacer()
	reserve(t, p, 1, 1)
	p.Done("a", pace.Outcome{Failed: true, LeaveAlone: time.Minute})
	if got := p.Next("a").Sub(clock.now); got != time.Minute {
		t.Errorf("there is room in %v", got)
	}
	reserve(t, p, 1, 0)
	clock.now = clock.now.Add(time.Minute)
	reserve(t, p, 2, 2)
}

func TestALimitPerSecondAllowsASecondsWorthAtOnce(t *testing.T) {
	t.Parallel()
	p, clock := newPacer()
	p.Limit("a", pace.Limits{PerSecond: 3})
	reserve(t, p, 100, 3)
	p.Release("a", 1)
	reserve(t, p, 100, 1)
	for range 3 {
		p.Done("a", arrived)
	}
	if got := p.Next("a").Sub(clock.now); got < 333*time.Millisecond || got > 334*time.Millisecond {
		t.Errorf("there is room in %v", got)
	}
	clock.now = p.Next("a")
	reserve(t, p, 100, 1)
	p.Limit("a", pace.Limits{PerSecond: 0.1, Concurrency: 1})
	p.Done("a", arrived)
	reserve(t, p, 100, 1)
	p.Done("a", arrived)
	clock.now = clock.now.Add(5 * time.Second)
	reserve(t, p, 100, 0)
	clock.now = clock.now.Add(5 * time.Second)
	reserve(t, p, 100, 1)
}

func TestNobodyOvertakesThoseWhoWait(t *testing.T) {
	t.Parallel()
	p, _ := newPacer()
	for range 4 {
		if !p.Overtake("a") {
			t.Fatal("there is no room")
		}
	}
	if p.Overtake("a") {
		t.Fatal("there is room for a fifth")
	}
	if !p.Done("a", arrived) {
		t.Error("nobody is said to wait")
	}
	if p.Overtake("a") {
		t.Error("one was overtaken")
	}
	reserve(t, p, 4, 2)
	p.Release("a", 1)
	p.Waits("a", false)
	if !p.Overtake("a") || p.Done("a", arrived) {
		t.Error("somebody is said to wait when nobody is")
	}
}

func TestManyDestinationsMayBeUsedAtOnce(t *testing.T) {
	t.Parallel()
	p := pace.New(clock.System{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 2000 {
				destination := string(rune('a'+i)) + string(rune(n))
				if p.Reserve(destination, 2) != 2 {
					t.Error("there is no room at a new destination")
				}
				p.Done(destination, arrived)
				p.Release(destination, 1)
			}
		})
	}
	all.Wait()
}

func TestMoreIsClaimedAheadOnlyForADestinationThatAnswersQuickly(t *testing.T) {
	t.Parallel()
	quick := pace.Outcome{Quick: true}
	for name, c := range map[string]struct {
		limits   pace.Limits
		outcomes []pace.Outcome
		want     int
	}{
		"one that nothing is known of":             {want: 0},
		"one that was quick a few times":           {outcomes: repeat(quick, 10), want: 10},
		"one that was quick for long":              {outcomes: repeat(quick, 1000), want: 6 * pace.UsualConcurrency},
		"one with a limit on concurrency":          {limits: pace.Limits{Concurrency: 2}, outcomes: repeat(quick, 1000), want: 12},
		"one with a limit per second":              {limits: pace.Limits{PerSecond: 1000}, outcomes: repeat(quick, 1000), want: 0},
		"one that was slow the last time":          {outcomes: append(repeat(quick, 1000), arrived), want: 0},
		"one that failed the last time":            {outcomes: append(repeat(quick, 1000), failed), want: 0},
		"one that asked to be left alone":          {outcomes: append(repeat(quick, 10), pace.Outcome{Quick: true, LeaveAlone: time.Minute}), want: 0},
		"one that was quick again after a failure": {outcomes: append([]pace.Outcome{failed}, repeat(quick, 3)...), want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := newPacer()
			p.Limit("a", c.limits)
			for _, outcome := range c.outcomes {
				p.Reserve("a", 1)
				p.Done("a", outcome)
			}
			if got := p.Ahead("a"); got != c.want {
				t.Errorf("%d may be claimed ahead, want %d", got, c.want)
			}
		})
	}
}

func repeat(outcome pace.Outcome, n int) []pace.Outcome {
	all := make([]pace.Outcome, n)
	for i := range all {
		all[i] = outcome
	}
	return all
}
