package fairness_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/fairness"
)

func take(t *testing.T, s *fairness.Slots, id string, n, want int) {
	t.Helper()
	if got := s.TryAcquire(id, n); got != want {
		t.Errorf("%s got %d of %d slots, want %d", id, got, n, want)
	}
}

func TestOneAloneLeavesAThirdForTheOthers(t *testing.T) {
	t.Parallel()
	s := fairness.New(12)
	take(t, s, "a", 100, 8)
	take(t, s, "a", 1, 0)
	take(t, s, "b", 100, 3)
	take(t, s, "c", 100, 1)
	take(t, s, "d", 1, 0)
}

func TestAGroupThatWasShortIsReportedOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	s := fairness.New(3)
	take(t, s, "a", 1, 1)
	if s.Release("a", 1) {
		t.Error("somebody is said to want room")
	}
	take(t, s, "a", 3, 2)
	if s.Release("b", 0) {
		t.Error("room is said to be there when none was given back")
	}
	if !s.Release("a", 1) {
		t.Error("nobody is said to want room")
	}
	if s.Release("a", 1) {
		t.Error("a group is reported twice")
	}
	take(t, s, "a", 2, 2)
}

func TestASingleSlotIsGivenToWhoeverComes(t *testing.T) {
	t.Parallel()
	s := fairness.New(1)
	take(t, s, "a", 5, 1)
	take(t, s, "b", 1, 0)
	s.Release("a", 1)
	take(t, s, "b", 1, 1)
}

func TestSlotsMayBeUsedAtOnce(t *testing.T) {
	t.Parallel()
	s := fairness.New(30)
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c"} {
		all.Go(func() {
			for range 1000 {
				s.Release(id, s.TryAcquire(id, 5))
			}
		})
	}
	all.Wait()
	take(t, s, "a", 100, 20)
}

func TestEachGroupGetsAnEqualPartOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount     int
		wants, got []int
	}{
		{12, []int{100, 100, 100}, []int{4, 4, 4}},
		{12, []int{1, 100, 100}, []int{1, 5, 6}},
		{12, []int{100, 100, 1}, []int{4, 4, 1}},
		{2, []int{100, 100, 100}, []int{1, 1, 0}},
		{0, []int{100}, []int{0}},
	} {
		got, sum := make([]int, len(test.wants)), 0
		taken := fairness.Divide(test.amount, len(test.wants), func(group, part int) int {
			got[group] = min(part, test.wants[group])
			sum += got[group]
			return got[group]
		})
		if !slices.Equal(got, test.got) || taken != sum {
			t.Errorf("of %d, %v got %v, said to be %d; want %v", test.amount, test.wants, got, taken, test.got)
		}
	}
}
