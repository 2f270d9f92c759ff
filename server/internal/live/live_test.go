package live_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/live"
)

func numbered(environment string, n int) live.Event {
	return live.Event{Kind: live.RunAccepted, EnvironmentID: environment, Run: &live.Run{ID: fmt.Sprint(n)}}
}

func ids(events []live.Event) (list []string) {
	for _, event := range events {
		list = append(list, event.Run.ID)
	}
	return list
}

func TestAWatcherIsToldOfItsEnvironmentInOrder(t *testing.T) {
	t.Parallel()
	b := live.New()
	w := b.Watch("env_a")
	defer w.Close()
	for n := range 5 {
		b.Publish(numbered("env_a", n))
		b.Publish(numbered("env_b", 100+n))
	}
	<-w.Ready()
	events, missed := w.Take()
	if got := fmt.Sprint(ids(events)); got != "[0 1 2 3 4]" || missed != 0 {
		t.Errorf("got %s and %d missed, want 0 to 4 and none", got, missed)
	}
	if events, _ := w.Take(); len(events) != 0 {
		t.Errorf("the same events came twice: %v", ids(events))
	}
}

func TestASlowWatcherIsToldHowManyItMissedAndGoesOn(t *testing.T) {
	t.Parallel()
	b := live.New()
	w := b.Watch("env_a")
	defer w.Close()
	const published = 5000
	for n := range published {
		b.Publish(numbered("env_a", n))
	}
	events, missed := w.Take()
	if len(events)+missed != published || missed == 0 {
		t.Fatalf("got %d events and %d missed, want %d together and some missed", len(events), missed, published)
	}
	if last := events[len(events)-1].Run.ID; last != fmt.Sprint(len(events)-1) {
		t.Errorf("the last event before the gap is %s, want %d", last, len(events)-1)
	}
	b.Publish(numbered("env_a", published))
	if events, missed := w.Take(); len(events) != 1 || missed != 0 {
		t.Errorf("after the gap came %d events and %d missed, want 1 and none", len(events), missed)
	}
}

func TestNobodyWatchesBeforeTheFirstAndAfterTheLastWatcher(t *testing.T) {
	t.Parallel()
	var none *live.Broadcaster
	none.Publish(numbered("env_a", 1))
	b := live.New()
	watched := []bool{none.Watched(), b.Watched()}
	w := b.Watch("env_a")
	watched = append(watched, b.Watched())
	w.Close()
	w.Close()
	watched = append(watched, b.Watched())
	if got := fmt.Sprint(watched); got != "[false false true false]" {
		t.Errorf("watched is %s, want [false false true false]", got)
	}
}

func TestClosingEndsEveryWatcherNowAndLater(t *testing.T) {
	t.Parallel()
	b := live.New()
	early := b.Watch("env_a")
	b.Close()
	b.Close()
	late := b.Watch("env_a")
	<-early.Ended()
	<-late.Ended()
	early.Close()
	late.Close()
	b.Publish(numbered("env_a", 1))
	if b.Watched() {
		t.Error("somebody watches after the end")
	}
}

func TestPublishersAndWatchersMayBeMany(t *testing.T) {
	t.Parallel()
	b := live.New()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 200 {
				b.Publish(numbered("env_a", n))
			}
		})
		all.Go(func() {
			for range 50 {
				w := b.Watch("env_a")
				w.Take()
				w.Close()
			}
		})
	}
	all.Wait()
	b.Close()
}
