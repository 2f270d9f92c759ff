package share_test

import (
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/share"
)

func take(t *testing.T, s *share.Slots, id string, n, want int) {
	t.Helper()
	if got := s.Take(id, n); got != want {
		t.Errorf("%s got %d of %d slots, want %d", id, got, n, want)
	}
}

func TestOneAloneLeavesAThirdForTheOthers(t *testing.T) {
	t.Parallel()
	s := share.New(12)
	take(t, s, "a", 100, 8)
	take(t, s, "a", 1, 0)
	take(t, s, "b", 100, 3)
	take(t, s, "c", 100, 1)
	take(t, s, "d", 1, 0)
}

func TestWhoeverWasShortIsToldOnceOfRoom(t *testing.T) {
	t.Parallel()
	s := share.New(3)
	take(t, s, "a", 1, 1)
	if s.Give("a", 1) {
		t.Error("somebody is said to want room")
	}
	take(t, s, "a", 3, 2)
	if s.Give("b", 0) {
		t.Error("room is said to be there when none was given back")
	}
	if !s.Give("a", 1) {
		t.Error("nobody is said to want room")
	}
	if s.Give("a", 1) {
		t.Error("somebody is told twice")
	}
	take(t, s, "a", 2, 2)
}

func TestASingleSlotIsGivenToWhoeverComes(t *testing.T) {
	t.Parallel()
	s := share.New(1)
	take(t, s, "a", 5, 1)
	take(t, s, "b", 1, 0)
	s.Give("a", 1)
	take(t, s, "b", 1, 1)
}

func TestSlotsMayBeUsedAtOnce(t *testing.T) {
	t.Parallel()
	s := share.New(30)
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c"} {
		all.Go(func() {
			for range 1000 {
				s.Give(id, s.Take(id, 5))
			}
		})
	}
	all.Wait()
	take(t, s, "a", 100, 20)
}
