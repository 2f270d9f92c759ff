package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
)

func supervise(components ...component) *supervisor {
	log := slog.New(slog.DiscardHandler)
	return &supervisor{components: components, health: health.New(health.Config{Log: log}), clock: clock.System{}, log: log}
}

func failing(s *supervisor) (names []string) {
	for _, f := range s.health.Failures() {
		names = append(names, f.Component)
	}
	return names
}

func TestAComponentThatEndsByItselfIsNamedAndRunAgain(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func() error{
		"it returns":        func() error { return nil },
		"it fails":          func() error { return errors.New("no") },
		"it panics":         func() error { panic("fault") },
		"what it did panic": func() error { panic(fmt.Errorf("of another goroutine")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended, starts := false, 0
				s := supervise(
					component{name: "steady", run: func(ctx context.Context) error { <-ctx.Done(); return nil }},
					component{name: "ends", run: func(ctx context.Context) error {
						if starts++; !ended {
							ended = true
							return end()
						}
						<-ctx.Done()
						return nil
					}},
				)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.run(ctx, time.Second) }()
				synctest.Wait()
				if got := failing(s); !slices.Equal(got, []string{"ends"}) {
					t.Errorf("what fails is %v", got)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if got := failing(s); starts != 2 || !slices.Equal(got, []string{"ends"}) {
					t.Errorf("it was started %d times, and what fails is %v", starts, got)
				}
				time.Sleep(steadyAfter)
				synctest.Wait()
				if got := failing(s); len(got) != 0 {
					t.Errorf("after a while what fails is %v", got)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAnEssentialComponentThatFailsStopsTheOthersWithoutGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("lost")
		var left time.Duration
		s := supervise(
			component{name: "address", essential: true, supports: true, run: func(context.Context) error { return lost }},
			component{name: "works", run: func(ctx context.Context) error { <-ctx.Done(); return nil }, stop: func(ctx context.Context, failure error) {
				deadline, _ := ctx.Deadline()
				left = time.Until(deadline)
				if failure != lost {
					t.Errorf("it stops for %v", failure)
				}
			}},
		)
		if err := s.run(t.Context(), time.Hour); err != lost || left > 0 {
			t.Errorf("stopped with %v, and %v left", err, left)
		}
	})
}

func TestComponentsStopInTheOppositeOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
		part := func(name string, supports bool) component {
			return component{
				name: name, supports: supports,
				run:  func(ctx context.Context) error { <-ctx.Done(); note(name + " returned"); return nil },
				stop: func(context.Context, error) { note(name + " stopped") },
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := supervise(part("leases", true), part("delivery", false)).run(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
		if want := []string{"delivery returned", "delivery stopped", "leases stopped", "leases returned"}; !reflect.DeepEqual(order, want) {
			t.Errorf("the order is %v, want %v", order, want)
		}
	})
}

func TestASignalWakesWhomItIsForAndAnUnknownOneEverybody(t *testing.T) {
	t.Parallel()
	woken := map[string]int{}
	wake := func(name string) func() { return func() { woken[name]++ } }
	s := supervise(
		component{name: "runs", wake: wake("all runs"), signals: map[string]func(){"runs": wake("runs")}},
		component{name: "feeds", wake: wake("feeds"), signals: map[string]func(){"notifications": wake("feeds")}},
		component{name: "doctor"},
	)
	s.signal("runs")
	s.signal("notifications")
	s.signal("")
	if want := map[string]int{"runs": 1, "all runs": 1, "feeds": 2}; !reflect.DeepEqual(woken, want) {
		t.Errorf("woken are %v, want %v", woken, want)
	}
}
