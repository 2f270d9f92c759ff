package postgres_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// listen starts db.Listen, waits until it listens, and returns its messages.
func listen(t *testing.T, db database.DB) <-chan string {
	t.Helper()
	messages := make(chan string, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Listen(ctx, func(message string) { messages <- message }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, database.ErrClosed) {
			t.Errorf("Listen returned %v", err)
		}
	})
	if message := <-messages; message != "" {
		t.Fatalf("the first message is %q, want an empty one", message)
	}
	return messages
}

func notify(t *testing.T, db database.DB, messages ...string) {
	t.Helper()
	err := db.Update(t.Context(), func(c database.Conn) error {
		for _, message := range messages {
			if err := c.Notify(message); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMessagesReachTheOtherProcessesWhenTheTransactionCommits(t *testing.T) {
	url := testpostgres.URL(t)
	sender, other := open(t, url, postgres.Options{}), open(t, url, postgres.Options{})
	heard, own := listen(t, other), listen(t, sender)
	failure := errors.New("undone")
	err := sender.Update(t.Context(), func(c database.Conn) error {
		if err := c.Notify("never sent"); err != nil {
			return err
		}
		if err := flush(c); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	notify(t, sender, "run a", "run b c")
	notify(t, other, "from the other")
	for _, want := range []string{"run a", "run b c"} {
		if got := <-heard; got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	// The sender does not hear itself, only the other.
	if got := <-own; got != "from the other" {
		t.Errorf("the sender heard %q, want %q", got, "from the other")
	}
}

// flush makes what is queued travel.
func flush(c database.Conn) error {
	_, err := database.First(c, "SELECT 1", nil, new(int64))
	return err
}

func TestAListenerThatLostItsConnectionListensAgainAndSaysSo(t *testing.T) {
	url := testpostgres.URL(t)
	proxy := newProxy(t, url)
	sender, listener := open(t, url, postgres.Options{}), open(t, proxy.url, postgres.Options{})
	heard := listen(t, listener)
	for range 2 {
		proxy.cut()
		if got := <-heard; got != "" {
			t.Fatalf("heard %q, want an empty message: some may have been missed", got)
		}
		notify(t, sender, "after")
		if got := <-heard; got != "after" {
			t.Fatalf("heard %q, want %q", got, "after")
		}
	}
}

func TestASilentListenerKeepsItsConnectionWhileTheServerAnswers(t *testing.T) {
	url := testpostgres.URL(t)
	proxy := newProxy(t, url)
	sender := open(t, url, postgres.Options{})
	heard := listen(t, open(t, proxy.url, postgres.Options{HealthInterval: time.Millisecond}))
	before := proxy.trips.Load()
	for proxy.trips.Load() < before+5 { // five pings
		runtime.Gosched()
	}
	notify(t, sender, "still here")
	if got := <-heard; got != "still here" {
		t.Errorf("heard %q, want %q", got, "still here")
	}
}
