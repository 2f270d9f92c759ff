package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

func TestAHandledNotificationIsNotHandledAgain(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func() *http.Request{
		"by its id":                     func() *http.Request { return signed(body(), "ntf_1", now) },
		"by its id, at a later attempt": func() *http.Request { return signed(body(), "ntf_1", now.Add(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, receiver.Config{Seen: receiver.NewMemory(0)}, nil)
			if name == "by its id, at a later attempt" {
				f.send(signed(body(), "ntf_1", now))
			}
			for range 2 {
				if w := f.send(request()); w.Code != http.StatusOK {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
			}
			if len(f.calls) != 1 {
				t.Errorf("the function was called %d times", len(f.calls))
			}
			f.send(signed(body(), "ntf_2", now))
			if len(f.calls) != 2 {
				t.Error("another notification was taken for the same")
			}
		})
	}
}

func TestWithLegacySignaturesAnEndOfARunIsHandledOnceHoweverItComes(t *testing.T) {
	t.Parallel()
	// rewritten is the same end in other bytes, as some senders write each attempt.
	rewritten := append(body(), ' ')
	later := protocol.EncodeRunNotification(&protocol.RawRunNotification{ID: "run_1", OK: true, Status: protocol.RunSuccess, CompletedAt: protocol.At(now.Add(time.Second))})
	f := setup(t, receiver.Config{AllowLegacy: true, Seen: receiver.NewMemory(0)}, nil)
	for i, c := range []struct {
		what    string
		request *http.Request
		calls   int
	}{
		{"as it was sent", signed(body(), "ntf_1", now), 1},
		{"stripped of its webhook headers", signedByBodyOnly(body()), 1},
		{"stripped, in other bytes", signedByBodyOnly(rewritten), 1},
		{"the next end of the run, without an id", signedByBodyOnly(later), 2},
		{"the next end of the run, with one", signed(later, "ntf_2", now), 2},
	} {
		if w := f.send(c.request); w.Code != http.StatusOK || len(f.calls) != c.calls {
			t.Errorf("%d, %s: got %d %s, and %d calls instead of %d", i+1, c.what, w.Code, w.Body, len(f.calls), c.calls)
		}
	}
}

func TestANotificationThatFailedIsHandledAgain(t *testing.T) {
	t.Parallel()
	outcomes := []func() error{
		func() error { return errors.New("no") }, func() error { panic("no") }, func() error { return nil }, func() error { return nil },
	}
	var f *fixture
	f = setup(t, receiver.Config{Seen: receiver.NewMemory(0)}, func() error { return outcomes[len(f.calls)-1]() })
	for i, want := range []int{500, 500, 200, 200} {
		if w := f.send(signed(body(), "ntf_1", now)); w.Code != want {
			t.Errorf("delivery %d: got %d, want %d", i+1, w.Code, want)
		}
	}
	if len(f.calls) != 3 {
		t.Errorf("the function was called %d times, want 3", len(f.calls))
	}
}

func TestTheSameNotificationIsNotHandledTwiceAtOnce(t *testing.T) {
	t.Parallel()
	var f *fixture
	var during *httptest.ResponseRecorder
	f = setup(t, receiver.Config{Seen: receiver.NewMemory(0)}, func() error {
		during = f.send(signed(body(), "ntf_1", now))
		return nil
	})
	if w := f.send(signed(body(), "ntf_1", now)); w.Code != http.StatusOK || during.Code != http.StatusConflict || len(f.calls) != 1 {
		t.Errorf("got %d, during it %d, and %d calls", w.Code, during.Code, len(f.calls))
	}
}

// brokenSeen fails at one of its two ends.
type brokenSeen struct{ begin, end error }

func (s brokenSeen) Begin(context.Context, string) (receiver.Progress, error) {
	return receiver.Claimed, s.begin
}

func (s brokenSeen) End(context.Context, string, bool) error { return s.end }

func TestABrokenMemoryDoesNotLoseNotifications(t *testing.T) {
	t.Parallel()
	broken := errors.New("database is down")
	for _, c := range []struct {
		name          string
		seen          brokenSeen
		status, calls int
	}{
		{"it cannot be asked", brokenSeen{begin: broken}, 500, 0},
		{"it cannot be recorded", brokenSeen{end: broken}, 200, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, receiver.Config{Seen: c.seen}, nil)
			if w := f.send(signed(body(), "ntf_1", now)); w.Code != c.status || len(f.calls) != c.calls {
				t.Errorf("got %d and %d calls, want %d and %d", w.Code, len(f.calls), c.status, c.calls)
			}
			if f.log.Len() == 0 {
				t.Error("nothing was logged")
			}
		})
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	memory, ctx := receiver.NewMemory(2), t.Context()
	begin := func(id string) receiver.Progress {
		progress, err := memory.Begin(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return progress
	}
	finish := func(id string) {
		begin(id)
		if err := memory.End(ctx, id, true); err != nil {
			t.Fatal(err)
		}
	}
	finish("a")
	finish("b")
	if begin("a") != receiver.Handled { // a is now younger than b
		t.Fatal("a was forgotten early")
	}
	for i := range 1000 {
		finish(strconv.Itoa(i))
	}
	for id, want := range map[string]receiver.Progress{"a": receiver.Claimed, "997": receiver.Claimed, "998": receiver.Handled, "999": receiver.Handled} {
		if got := begin(id); got != want {
			t.Errorf("%s: got %d, want %d", id, got, want)
		}
	}
	if begin("a") != receiver.InProgress {
		t.Error("a claim was forgotten")
	}
}
