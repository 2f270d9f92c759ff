package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// inbox is a program on this machine that webhooks are sent to. It answers each
// with the next of its statuses, and 200 after those.
type inbox struct {
	URL string

	mu       sync.Mutex
	got      []arrived
	statuses []int
}

type arrived struct {
	header http.Header
	body   []byte
}

func newInbox(t *testing.T, statuses ...int) *inbox {
	t.Helper()
	box := &inbox{statuses: statuses}
	web := httptest.NewServer(box)
	t.Cleanup(web.Close)
	box.URL = web.URL + "/inbox"
	return box
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, arrived{r.Header.Clone(), body})
	if len(b.statuses) > 0 {
		w.WriteHeader(b.statuses[0])
		b.statuses = b.statuses[1:]
	}
}

func (b *inbox) requests() []arrived {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func TestNotificationsAreForwardedAsTheyAreMade(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	got := newInbox(t, http.StatusTeapot)
	key := d.Key(protocol.Development).Secret
	listening := program(t, nil, "listen", "--forward", got.URL, "--server", d.URL, "--api-key", key)
	said := func(text ...string) {
		t.Helper()
		harness.WaitFor(t, "listen to say "+strings.Join(text, " ... "), func() bool { return hasLine(listening.Out.String(), text...) })
	}
	said("forwarding to " + got.URL)
	first, _ := d.ended(harness.HTTP(200, ""))
	said(first+"  SUCCESS  ", "→ refused: 418 I'm a teapot in ")
	second, id := d.ended(harness.HTTP(200, ""))
	said(second+"  SUCCESS  ", "→ 200 in ")

	requests := got.requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests were forwarded", len(requests))
	}
	verifier, err := receiver.NewVerifier(receiver.Config{APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if delivery, err := verifier.Verify(requests[1].header, requests[1].body); err != nil || delivery.ID != id {
		t.Errorf("what was forwarded is %+v (%v), want %s", delivery, err, id)
	}
	if sent := d.Development().Notification(id).Body; string(requests[1].body) != sent {
		t.Errorf("forwarded was\n%s, sent was\n%s", requests[1].body, sent)
	}
	listening.Terminate()
	if status := listening.ExitStatus(); status != succeeded {
		t.Errorf("it exits with %d: %s", status, listening.Err)
	}
}

func TestEachRunThatEndsIsShownOnceWithOrWithoutACallback(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	listening := program(t, nil, "listen", "--server", d.URL, "--api-key", d.Key(protocol.Development).Secret)
	harness.WaitFor(t, "listen to begin", func() bool { return containsAll(listening.Out.String(), "Listening at "+d.URL) })

	silent := d.app.Run(protocol.InvokeJob{}, harness.Always(harness.Failure("no stock")))
	harness.WaitFor(t, "the run without a callback to be shown", func() bool {
		return hasLine(listening.Out.String(), silent+"  FAILURE", "no stock")
	})
	if list, _ := d.Development().Notifications(url.Values{"run": {silent}}); len(list) != 1 || list[0].Status != model.NotificationRecorded {
		t.Errorf("it has the notifications %+v", list)
	} else if answer := d.Development().Do("POST", "/api/runhook/v1/notifications/"+list[0].ID+"/resend", nil); answer.Status != http.StatusConflict {
		t.Errorf("a notification without destination is sent again: %d %s", answer.Status, answer.Body)
	}
	d.ask("subscriptions", "create", newInbox(t).URL)
	everybody, _ := d.ended(harness.HTTP(200, ""))
	last := d.app.Run(protocol.InvokeJob{}, harness.Always(harness.Success("1")))
	harness.WaitFor(t, "the last run to be shown", func() bool { return hasLine(listening.Out.String(), last+"  SUCCESS") })
	for _, run := range []string{silent, everybody, last} {
		if n := strings.Count(listening.Out.String(), run); n != 1 {
			t.Errorf("%s is shown %d times:\n%s", run, n, listening.Out)
		}
	}
}

func TestListeningContinuesWhereItWasWhenTheServerIsBack(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + t.TempDir() + "/runhook.db"
	// No other test listens at this address, so none takes the port while it is free.
	process, s := serving(t, database, "--addr", "127.0.0.4:0")
	got := newInbox(t)
	listening := program(t, nil, "listen", "--forward", got.URL, "--server", s.URL, "--api-key", developmentKey, "--secret", protocol.WebhookSecret("laptop"))
	harness.WaitFor(t, "listen to begin", func() bool { return containsAll(listening.Out.String(), "forwarding to") })
	port := s.URL[len("http://"):]
	process.Kill()
	harness.WaitFor(t, "listen to lose the server", func() bool { return containsAll(listening.Out.String(), "Lost the server at") })

	_, again := serving(t, database, "--addr", port)
	app, done := harness.NewApp(t, again), harness.NewReceiver(t, again)
	run := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, harness.Always(harness.Success("1")))
	harness.WaitFor(t, "the notification to be forwarded", func() bool {
		return containsAll(listening.Out.String(), "The server is back") && hasLine(listening.Out.String(), run+"  SUCCESS  ", "→ 200 in ")
	})
	request := got.requests()[0]
	if err := receiver.Verify(request.header, request.body, receiver.Config{Secrets: []string{protocol.WebhookSecret("laptop")}}); err != nil {
		t.Errorf("what was forwarded does not verify with the secret: %v", err)
	}
}

func containsAll(text string, wants ...string) bool {
	return !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(text, want) })
}

// hasLine reports whether a line of a text contains all that is wanted.
func hasLine(text string, wants ...string) bool {
	for line := range strings.Lines(text) {
		if containsAll(line, wants...) {
			return true
		}
	}
	return false
}

func TestOnlyTheVariableOfTheSDKNamesTheServer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	key := d.Key(protocol.Development).Secret
	asked := program(t, []string{"RUNHOOK_API_URL=" + d.URL, "RUNHOOK_URL=http://127.0.0.1:1"}, "notifications", "list", "--api-key", key)
	if status := asked.ExitStatus(); status != succeeded {
		t.Errorf("it exits with %d: %s", status, asked.Err)
	}
	hinted := program(t, []string{"RUNHOOK_URL=" + d.URL}, "notifications", "list", "--api-key", key)
	hinted.ExitStatus()
	checkSays(t, hinted.Err.String(), "RUNHOOK_URL is not read; set RUNHOOK_API_URL")
}
