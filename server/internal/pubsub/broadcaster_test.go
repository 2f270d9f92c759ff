package pubsub_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/pubsub"
)

func numbered(environment string, n int) pubsub.Event {
	return pubsub.Event{Kind: pubsub.RunAccepted, EnvironmentID: environment, Run: &pubsub.Run{ID: fmt.Sprint(n)}}
}

func ids(events []pubsub.Event) (list []string) {
	for _, event := range events {
		list = append(list, event.Run.ID)
	}
	return list
}

func TestASubscriberGetsTheEventsOfItsEnvironmentInOrder(t *testing.T) {
	t.Parallel()
	b := pubsub.New()
	w := b.Subscribe("env_a")
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

func TestASlowSubscriberLearnsHowManyItMissedAndContinues(t *testing.T) {
	t.Parallel()
	b := pubsub.New()
	w := b.Subscribe("env_a")
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

func TestThereAreNoSubscribersBeforeTheFirstAndAfterTheLast(t *testing.T) {
	t.Parallel()
	var none *pubsub.Broadcaster
	none.Publish(numbered("env_a", 1))
	b := pubsub.New()
	watched := []bool{none.HasSubscribers(), b.HasSubscribers()}
	w := b.Subscribe("env_a")
	watched = append(watched, b.HasSubscribers())
	w.Close()
	w.Close()
	watched = append(watched, b.HasSubscribers())
	if got := fmt.Sprint(watched); got != "[false false true false]" {
		t.Errorf("watched is %s, want [false false true false]", got)
	}
}

func TestClosingEndsEveryWatcherNowAndLater(t *testing.T) {
	t.Parallel()
	b := pubsub.New()
	early := b.Subscribe("env_a")
	b.Close()
	b.Close()
	late := b.Subscribe("env_a")
	<-early.Ended()
	<-late.Ended()
	early.Close()
	late.Close()
	b.Publish(numbered("env_a", 1))
	if b.HasSubscribers() {
		t.Error("there is a subscriber after the end")
	}
}

func TestPublishersAndWatchersMayBeMany(t *testing.T) {
	t.Parallel()
	b := pubsub.New()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 200 {
				b.Publish(numbered("env_a", n))
			}
		})
		all.Go(func() {
			for range 50 {
				w := b.Subscribe("env_a")
				w.Take()
				w.Close()
			}
		})
	}
	all.Wait()
	b.Close()
}

func TestOnlyTheBeginningOfALongTextIsPassedOn(t *testing.T) {
	t.Parallel()
	b := pubsub.New()
	w := b.Subscribe("env")
	defer w.Close()
	task := &pubsub.Task{ID: "task", Description: strings.Repeat("é", 1<<20), Error: "short"}
	b.Publish(pubsub.Event{Kind: pubsub.TaskCreated, EnvironmentID: "env", Task: task})
	events, _ := w.Take()
	if got := events[0].Task; len(got.Description) > 17<<10 || !strings.HasSuffix(got.Description, "é...") || got.Error != "short" || len(task.Description) != 2<<20 {
		t.Errorf("%d bytes were passed on", len(got.Description))
	}
}
