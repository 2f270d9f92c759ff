package loop_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// table is where the rows of a test lie, each with the time it is due.
type table struct {
	mu     sync.Mutex
	due    map[int]time.Time
	claims []time.Time // when claimed from
	panics int         // how many claims are yet to panic
	fails  int         // how many claims are yet to fail
	past   time.Time   // when a claim that fails says that the next row is due
	locked bool        // rows that are due are found and not claimed
}

func (r *table) put(id int, due time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due[id] = due
}

func (r *table) claim(_ context.Context, limit int) (items []int, next time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.claims = append(r.claims, time.Now())
	if r.panics > 0 {
		r.panics--
		panic("no luck")
	}
	if r.fails > 0 {
		r.fails--
		return nil, r.past, errors.New("the database is away")
	}
	if r.locked {
		return nil, r.past, nil
	}
	for id, due := range r.due {
		if !due.After(time.Now()) && len(items) < limit {
			items = append(items, id)
			delete(r.due, id)
		}
	}
	for _, due := range r.due {
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return items, next, nil
}

// done is what a loop has worked on, and when.
type done struct {
	mu             sync.Mutex
	at             map[int]time.Time
	inFlight, most int
	cause          error
	took           time.Duration
	untilTold      bool
	// panics says which items make the work panic.
	panics   map[int]bool
	panicked []int
}

func (d *done) recover(_ context.Context, id int, _ *panics.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.panicked = append(d.panicked, id)
}

func (d *done) work(ctx context.Context, id int) {
	if d.panics[id] {
		panic("no luck")
	}
	d.mu.Lock()
	d.at[id] = time.Now()
	d.inFlight++
	d.most = max(d.most, d.inFlight)
	d.mu.Unlock()
	over := time.After(d.took)
	if d.untilTold {
		over = nil
	}
	select {
	case <-over:
	case <-ctx.Done():
		d.mu.Lock()
		d.cause = context.Cause(ctx)
		d.mu.Unlock()
	}
	d.mu.Lock()
	d.inFlight--
	d.mu.Unlock()
}

// run tests a loop in a bubble of its own. The loop runs already; it is stopped
// and drained in the end.
func run(t *testing.T, slots, batch int, took time.Duration, test func(t *testing.T, l *loop.Loop[int], rows *table, d *done)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, d := &table{due: map[int]time.Time{}}, &done{at: map[int]time.Time{}, took: took}
		l := loop.New(loop.Config[int]{
			Name: "test", Slots: slots, Batch: batch, Poll: time.Second,
			Claim: rows.claim, Work: d.work, Panicked: d.recover, Clock: clock.System{}, Health: health.New(health.Config{}),
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.Run(ctx) })
		synctest.Wait()
		test(t, l, rows, d)
		stop()
		running.Wait()
		l.Drain(t.Context())
	})
}

func TestNoMoreThanItsSlotsAreInFlight(t *testing.T) {
	run(t, 3, 2, time.Second, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		for id := range 20 {
			rows.put(id, time.Now())
		}
		l.Wake(time.Now())
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if d.most != 3 || len(d.at) != 20 {
			t.Errorf("%d were worked on, %d at once", len(d.at), d.most)
		}
	})
}

func TestARowThatWasAnnouncedIsFoundAtItsTime(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		due := time.Now().Add(300 * time.Millisecond)
		rows.put(1, due)
		l.Wake(due.Add(time.Hour)) // of another row
		l.Wake(due)
		l.Wake(due.Add(time.Minute))
		time.Sleep(400 * time.Millisecond)
		synctest.Wait()
		if !d.at[1].Equal(due) {
			t.Errorf("it was found at %v, and due at %v", d.at[1], due)
		}
	})
}

func TestARowThatWasNotAnnouncedIsFoundByAPoll(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		time.Sleep(100 * time.Millisecond)
		put := time.Now()
		rows.put(1, put)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if late := d.at[1].Sub(put); d.at[1].IsZero() || late > time.Second {
			t.Errorf("it was found %v late", late)
		}
	})
}

func TestTheNextRowThatAClaimTellsOfIsFoundAtItsTime(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		first, second := time.Now(), time.Now().Add(123*time.Millisecond)
		rows.put(1, first)
		rows.put(2, second)
		l.Wake(first)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if !d.at[1].Equal(first) || !d.at[2].Equal(second) {
			t.Errorf("they were found at %v and %v, and due at %v and %v", d.at[1], d.at[2], first, second)
		}
	})
}

func TestAnIdleLoopLooksOnceASecond(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(rows.claims); n < 10 || n > 12 {
			t.Errorf("it looked %d times in ten seconds", n)
		}
	})
}

func TestALoopGoesOnAfterAClaimThatFailed(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		rows.mu.Lock()
		rows.fails = 3
		rows.mu.Unlock()
		rows.put(1, time.Now())
		l.Wake(time.Now())
		synctest.Wait()
		if l.Reserve() {
			t.Error("a slot was given while older rows may wait")
			l.Release()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if d.at[1].IsZero() {
			t.Error("the row was not found")
		}
		if !l.Reserve() {
			t.Error("no slot is given though no row waits")
			return
		}
		l.Release()
	})
}

func TestClaimsThatFailAreMadeLessAndLessOften(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		time.Sleep(time.Minute)
		rows.mu.Lock()
		rows.past, rows.fails, rows.claims = time.Now().Add(-time.Second), 1_000_000, nil
		rows.mu.Unlock()
		for range 600 { // others say all the time that there is work
			l.Wake(time.Now())
			time.Sleep(100 * time.Millisecond)
		}
		rows.mu.Lock()
		if n := len(rows.claims); n < 8 || n > 40 {
			t.Errorf("a minute of claims that fail has %d of them", n)
		}
		rows.fails = 0
		rows.mu.Unlock()
		rows.put(1, time.Now())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if d.at[1].IsZero() {
			t.Error("ten seconds after claims work again, a row was not found")
		}
	})
}

func TestRowsThatAreDueAndCannotBeClaimedAreNotAskedForInASpin(t *testing.T) {
	run(t, 4, 4, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		rows.mu.Lock()
		rows.past, rows.locked, rows.claims = time.Now(), true, nil
		rows.mu.Unlock()
		l.Wake(time.Now())
		time.Sleep(10 * time.Second)
		rows.mu.Lock()
		if n := len(rows.claims); n > 30 {
			t.Errorf("rows that another process has locked are claimed %d times in ten seconds", n)
		}
		rows.locked = false
		rows.mu.Unlock()
		rows.put(1, time.Now())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if d.at[1].IsZero() {
			t.Error("two seconds after the rows can be claimed, one was not found")
		}
	})
}

func TestReserve(t *testing.T) {
	run(t, 2, 2, time.Minute, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		for range 2 {
			if !l.Reserve() {
				t.Fatal("a free slot is not given")
			}
		}
		l.Start(1)
		l.Start(2)
		synctest.Wait()
		if l.InFlight() != 2 || len(d.at) != 2 {
			t.Errorf("%d are in flight, %d were begun", l.InFlight(), len(d.at))
		}
		if l.Reserve() {
			t.Error("a third of two slots was given")
		}
		rows.put(3, time.Now()) // what could not be reserved for is left in the table
		l.Wake(time.Now())
		time.Sleep(time.Minute)
		synctest.Wait()
		if d.at[3].IsZero() {
			t.Error("the row that was left was not found when there was room")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if l.InFlight() != 0 || !l.Reserve() {
			t.Errorf("%d are in flight in the end, and no slot is given", l.InFlight())
			return
		}
		l.Release()
	})
}

func TestASlotThatIsGivenBackIsGivenAgain(t *testing.T) {
	run(t, 1, 1, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		for range 100 {
			if !l.Reserve() {
				t.Fatal("the slot is not given")
			}
			l.Release()
		}
		if len(d.at) != 0 {
			t.Errorf("%v was worked on", d.at)
		}
	})
}

func TestALoopThatIsStoppedBeginsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, d := &table{due: map[int]time.Time{}}, &done{at: map[int]time.Time{}, untilTold: true}
		l := loop.New(loop.Config[int]{
			Name: "test", Slots: 2, Batch: 2, Poll: time.Second,
			Claim: rows.claim, Work: d.work, Panicked: d.recover, Clock: clock.System{}, Health: health.New(health.Config{}),
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.Run(ctx) })
		rows.put(1, time.Now())
		l.Wake(time.Now())
		synctest.Wait()
		stop()
		running.Wait()
		if l.Reserve() || !l.Wanted() {
			t.Error("a slot was given or kept after the end")
		}
		rows.put(2, time.Now())
		time.Sleep(10 * time.Second)
		if !d.at[2].IsZero() {
			t.Error("a row was claimed after the end")
		}
		// What is in flight is waited for, and canceled when there is no time left.
		grace, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		l.Drain(grace)
		if waited := time.Since(began); waited != time.Minute || d.cause != loop.ErrStopping || d.inFlight != 0 {
			t.Errorf("it waited %v; the work was ended by %v; %d are in flight", waited, d.cause, d.inFlight)
		}
	})
}

func TestDrainWaitsForWorkThatEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, d := &table{due: map[int]time.Time{}}, &done{at: map[int]time.Time{}, took: 7 * time.Second}
		l := loop.New(loop.Config[int]{
			Name: "test", Slots: 2, Batch: 2, Poll: time.Second,
			Claim: rows.claim, Work: d.work, Panicked: d.recover, Clock: clock.System{}, Health: health.New(health.Config{}),
		})
		if !l.Reserve() {
			t.Fatal("the slot is not given")
		}
		l.Start(1)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		l.Run(ctx)
		began := time.Now()
		l.Drain(t.Context())
		if waited := time.Since(began); waited != 7*time.Second || d.cause != nil {
			t.Errorf("it waited %v; the work was ended by %v", waited, d.cause)
		}
	})
}

func TestASlotIsWantedWhileRowsWaitForOneAndWhenTheLoopStops(t *testing.T) {
	run(t, 2, 2, 5*time.Second, func(t *testing.T, l *loop.Loop[int], rows *table, _ *done) {
		if l.Wanted() {
			t.Error("a slot is wanted when there is nothing to do")
		}
		for id := range 3 {
			rows.put(id, time.Now())
		}
		l.Wake(time.Now())
		synctest.Wait()
		if !l.Wanted() {
			t.Error("no slot is wanted while a row waits for one")
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if l.Wanted() {
			t.Error("a slot is wanted when everything is done")
		}
	})
}

func TestAPanicEndsTheWorkOnOneItemAndGivesBackItsSlot(t *testing.T) {
	run(t, 2, 2, time.Second, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		d.panics = map[int]bool{1: true, 3: true, 5: true}
		for id := range 8 {
			rows.put(id, time.Now())
		}
		l.Wake(time.Now())
		time.Sleep(20 * time.Second)
		synctest.Wait()
		slices.Sort(d.panicked)
		if !slices.Equal(d.panicked, []int{1, 3, 5}) || len(d.at) != 5 || l.InFlight() != 0 {
			t.Errorf("%v panicked, %d others were worked on, and %d are in flight", d.panicked, len(d.at), l.InFlight())
		}
	})
}

func TestAClaimThatPanicsIsMadeAgainAfterAPause(t *testing.T) {
	run(t, 2, 2, 0, func(t *testing.T, l *loop.Loop[int], rows *table, d *done) {
		rows.mu.Lock()
		rows.panics = 3
		rows.mu.Unlock()
		rows.put(1, time.Now())
		l.Wake(time.Now())
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(d.at) != 1 || l.InFlight() != 0 {
			t.Errorf("%d were worked on, and %d slots are taken", len(d.at), l.InFlight())
		}
	})
}
