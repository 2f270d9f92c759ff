package budget_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/runhook/runhook/server/internal/budget"
)

func TestWhatDoesNotFitIsRefusedByTheLimitItMeets(t *testing.T) {
	t.Parallel()
	b := budget.New[string](10, 6)
	hold(t, b, "a", 6)
	hold(t, b, "b", 3)
	wantRefusal(t, b.TryAcquire("a", 1), budget.ExceededError{Wanted: 1, Used: 6, Limit: 6, Group: true})
	wantRefusal(t, b.TryAcquire("b", 2), budget.ExceededError{Wanted: 2, Used: 9, Limit: 10})
	hold(t, b, "c", 1)
	b.Release("a", 2)
	hold(t, b, "a", 2)
	if b.Used() != 10 || b.UsedBy("a") != 6 {
		t.Errorf("%d are held, %d by a", b.Used(), b.UsedBy("a"))
	}
}

func TestAnAmountAboveALimitIsHeldAlone(t *testing.T) {
	t.Parallel()
	b := budget.New[string](10, 6)
	hold(t, b, "a", 20)
	wantRefusal(t, b.TryAcquire("b", 1), budget.ExceededError{Wanted: 1, Used: 20, Limit: 10})
	b.Release("a", 20)
	hold(t, b, "b", 1)
	wantRefusal(t, b.TryAcquire("a", 20), budget.ExceededError{Wanted: 20, Used: 1, Limit: 10})
}

func TestRoomIsWhatFits(t *testing.T) {
	t.Parallel()
	b := budget.New[string](10, 6)
	check := func(group string, want budget.Room) {
		t.Helper()
		if got := b.Room(group); got != want {
			t.Errorf("for %s there is %+v, want %+v", group, got, want)
		}
	}
	check("a", budget.Room{Several: 6, Single: math.MaxInt64, Group: true})
	hold(t, b, "a", 5)
	check("a", budget.Room{Several: 1, Single: 1, Group: true})
	check("b", budget.Room{Several: 5, Single: 5})
	hold(t, b, "b", 2)
	check("c", budget.Room{Several: 3, Single: 3})
	hold(t, b, "c", 3)
	check("a", budget.Room{})
	b.Release("c", 3)
	b.Release("b", 2)
	b.Release("a", 5)
	hold(t, b, "a", 20)
	check("a", budget.Room{Group: true})
	check("b", budget.Room{})
	unlimited := budget.New[string](budget.Unlimited, 6)
	hold(t, unlimited, "b", 1)
	if got, want := unlimited.Room("a"), (budget.Room{Several: 6, Single: math.MaxInt64, Group: true}); got != want {
		t.Errorf("without a limit of all there is %+v, want %+v", got, want)
	}
}

func TestWithoutLimitsEverythingFits(t *testing.T) {
	t.Parallel()
	b := budget.New[int](budget.Unlimited, budget.Unlimited)
	hold(t, b, 1, 1<<60)
	hold(t, b, 2, 1<<60)
}

func TestWaitersAreServedInOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := budget.New[string](10, budget.Unlimited)
		hold(t, b, "owner", 10)
		large := waitFor(t, b, "large", 8)
		small := waitFor(t, b, "small", 2)
		b.Release("owner", 5)
		synctest.Wait()
		if done(large) || done(small) {
			t.Fatal("a waiter was served before the one that came first fits")
		}
		// 5 are free, but the one that waits is not overtaken.
		wantRefusal(t, b.TryAcquire("late", 1), budget.ExceededError{Wanted: 1, Used: 5, Limit: 10})
		b.Release("owner", 5)
		<-large
		<-small
	})
}

func TestAWaiterOfAFullGroupBlocksNoOtherGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := budget.New[string](10, 5)
		hold(t, b, "full", 5)
		stuck := waitFor(t, b, "full", 1)
		<-waitFor(t, b, "other", 4)
		hold(t, b, "third", 1)
		if done(stuck) {
			t.Fatal("a full group was given more")
		}
		b.Release("full", 1)
		<-stuck
	})
}

func TestSmallAmountsOfAGroupDoNotStarveItsLargeOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := budget.New[string](10, 6)
		hold(t, b, "a", 5)
		large := waitFor(t, b, "a", 4)
		wantRefusal(t, b.TryAcquire("a", 1), budget.ExceededError{Wanted: 1, Used: 5, Limit: 6, Group: true})
		small := waitFor(t, b, "a", 1)
		if done(small) {
			t.Fatal("the first waiter of the group was overtaken")
		}
		b.Release("a", 5)
		<-large
		<-small
	})
}

func TestAWaiterThatLeavesHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := budget.New[string](10, budget.Unlimited)
		hold(t, b, "owner", 9)
		ctx, leave := context.WithCancel(t.Context())
		var err error
		var left sync.WaitGroup
		left.Go(func() { err = b.Acquire(ctx, "large", 10) })
		synctest.Wait()
		behind := waitFor(t, b, "behind", 1)
		leave()
		left.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		<-behind // no waiter is before it any more
		b.Release("behind", 1)
		b.Release("owner", 9)
		if b.Used() != 0 {
			t.Errorf("%d are still held", b.Used())
		}
		if err := b.Acquire(ctx, "large", 10); err != nil {
			t.Errorf("what fits needs no wait: %v", err)
		}
	})
}

func TestManyAcquirersNeverExceedALimit(t *testing.T) {
	t.Parallel()
	const total, group = 20, 8
	b := budget.New[int](total, group)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for n := range 200 {
				amount := int64(n%group + 1)
				if n%2 == 0 {
					if b.TryAcquire(i%4, amount) != nil {
						continue
					}
				} else if err := b.Acquire(t.Context(), i%4, amount); err != nil {
					t.Error(err)
					return
				}
				if b.Used() > total || b.UsedBy(i%4) > group {
					t.Errorf("%d are held, %d by one group", b.Used(), b.UsedBy(i%4))
				}
				b.Release(i%4, amount)
			}
		})
	}
	all.Wait()
	if b.Used() != 0 {
		t.Errorf("%d are still held", b.Used())
	}
}

func hold[K comparable](t *testing.T, b *budget.Budget[K], group K, amount int64) {
	t.Helper()
	if err := b.TryAcquire(group, amount); err != nil {
		t.Fatalf("%d for %v: %v", amount, group, err)
	}
}

// waitFor acquires in the background; what it returns is closed when it has.
func waitFor(t *testing.T, b *budget.Budget[string], group string, amount int64) <-chan struct{} {
	acquired := make(chan struct{})
	go func() {
		defer close(acquired)
		if err := b.Acquire(t.Context(), group, amount); err != nil {
			t.Errorf("%d for %s: %v", amount, group, err)
		}
	}()
	synctest.Wait()
	return acquired
}

func done(acquired <-chan struct{}) bool {
	select {
	case <-acquired:
		return true
	default:
		return false
	}
}

func wantRefusal(t *testing.T, err error, want budget.ExceededError) {
	t.Helper()
	var got *budget.ExceededError
	if !errors.As(err, &got) || *got != want || !errors.Is(err, budget.ErrExceeded) {
		t.Errorf("the error is %v, want %v", err, &want)
	}
}

func BenchmarkTryAcquire(bench *testing.B) {
	b := budget.New[string](1<<30, 1<<29)
	bench.ReportAllocs()
	for bench.Loop() {
		if err := b.TryAcquire("environment", 100); err != nil {
			bench.Fatal(err)
		}
		b.Release("environment", 100)
	}
}
