package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// streamed is an event as it was sent; without a name at the end.
type streamed struct {
	name  string
	event pubsub.Event
}

// watching is a connection to the stream of events.
type watching struct {
	t      *testing.T
	server *harness.Server
	events chan streamed
}

// watch returns once the server streams what happens in an environment.
func watch(t *testing.T, s *harness.Server, key string) *watching {
	t.Helper()
	w := &watching{t, s, make(chan streamed, 1000)}
	lines := open(t, s, key)
	go func() {
		for {
			next, ok := read(lines)
			w.events <- next
			if !ok {
				return
			}
		}
	}()
	if first := w.next(); first.name != "ready" {
		t.Fatalf("the first event is %q, want ready", first.name)
	}
	return w
}

// open requests the stream of events.
func open(t *testing.T, s *harness.Server, key string) *bufio.Reader {
	t.Helper()
	return openStream(t, s, key, "/api/runhook/v1/live")
}

func openStream(t *testing.T, s *harness.Server, key, path string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		response.Body.Close()
	})
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("answered %d with %s", response.StatusCode, kind)
	}
	return bufio.NewReader(response.Body)
}

// read returns the next event; ok is false at the end.
func read(lines *bufio.Reader) (next streamed, ok bool) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return streamed{}, false
		}
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			next.name = strings.TrimSpace(text)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			return next, json.Unmarshal([]byte(text), &next.event) == nil
		}
	}
}

// next waits for the next event.
func (w *watching) next() (next streamed) {
	w.t.Helper()
	w.server.Wait("an event", func() bool {
		select {
		case next = <-w.events:
			return true
		default:
			return false
		}
	})
	return next
}

// until returns the kinds of events up to one that there must be, and that one.
func (w *watching) until(last pubsub.Kind) (kinds []pubsub.Kind, event pubsub.Event) {
	w.t.Helper()
	for {
		next := w.next()
		if next.name == "" {
			w.t.Fatalf("the events ended after %v, without %s", kinds, last)
		}
		if kinds = append(kinds, next.event.Kind); next.event.Kind == last {
			return kinds, next.event
		}
	}
}

func TestWatchingWhatHappens(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"has the life of a run in order": func(t *testing.T, s *harness.Server, app *harness.App) {
			receiver := harness.NewReceiver(t, s, harness.HTTP(503, ""))
			w := watch(t, s, s.Key(protocol.Development).Secret)
			retryAt := s.Clock.Now().Add(time.Minute)
			id := app.Run(`{"options":{"callbackUrl":"`+receiver.URL+`"}}`,
				func(x *harness.Execution) harness.Reply { return harness.Retry(x.Task("charge"), retryAt) },
				func(x *harness.Execution) harness.Reply {
					x.Complete(x.Task("charge"), `1`)
					x.Fail(x.Task("mail"), "no address")
					return harness.Failure("no address")
				})
			kinds, event := w.until(pubsub.RunWaiting)
			if want := []pubsub.Kind{pubsub.RunAccepted, pubsub.RunExecuting, pubsub.TaskCreated, pubsub.TaskRetrying, pubsub.RunWaiting}; !slices.Equal(kinds, want) {
				t.Errorf("the events are %v, want %v", kinds, want)
			}
			if event.Run.ID != id || event.Run.Job != harness.JobID || event.Run.Status != protocol.RunWaitingToContinue {
				t.Errorf("the last is of %+v", event.Run)
			}
			s.Clock.AdvanceTo(retryAt)
			kinds, event = w.until(pubsub.RunEnded)
			if want := []pubsub.Kind{pubsub.RunExecuting, pubsub.TaskCompleted, pubsub.TaskCreated, pubsub.TaskErrored, pubsub.RunEnded}; !slices.Equal(kinds, want) {
				t.Errorf("the events are %v, want %v", kinds, want)
			}
			if event.Run.Status != protocol.RunFailure || event.Run.Error != "no address" || event.Run.Execution != 2 {
				t.Errorf("the end is %+v", event.Run)
			}
			_, event = w.until(pubsub.NotificationFailed)
			if event.Run.ID != id || event.Notification.Status != 503 || event.Notification.NextAt == nil {
				t.Errorf("the failed attempt is %+v", event.Notification)
			}
			s.Clock.AdvanceTo(event.Notification.NextAt.Add(time.Millisecond)) // it is sent in whole ones
			_, event = w.until(pubsub.NotificationDelivered)
			if event.Notification.Attempt != 2 || event.Notification.Error != "" {
				t.Errorf("the delivery is %+v", event.Notification)
			}
		},
		"has indexings, cancellations and the ends of waits": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := watch(t, s, s.Key(protocol.Development).Secret)
			s.Development().OK("POST", "/api/v1/endpoints/app/index", nil, nil)
			if _, event := w.until(pubsub.EndpointIndexed); event.Endpoint.Slug != "app" || event.Endpoint.Status != "SUCCESS" || event.Endpoint.Jobs != 1 {
				t.Errorf("the indexing is %+v", event.Endpoint)
			}
			over := s.Clock.Now().Add(time.Minute)
			id := app.Run(nil, func(x *harness.Execution) harness.Reply {
				return harness.Resume(x.Task("wait", harness.Noop, harness.Delay(over)))
			}, func(x *harness.Execution) harness.Reply {
				return harness.Resume(x.Task("never", harness.Callback(0)))
			})
			if _, event := w.until(pubsub.TaskCreated); !event.Task.NextAt.Equal(over) || event.Task.Status != protocol.TaskWaiting {
				t.Errorf("the wait is %+v", event.Task)
			}
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			s.Clock.AdvanceTo(over)
			if _, event := w.until(pubsub.TaskCompleted); event.Task.Key != "wait" {
				t.Errorf("what ended is %+v", event.Task)
			}
			w.until(pubsub.RunWaiting)
			s.Development().OK("POST", "/api/v1/runs/"+id+"/cancel", nil, nil)
			if _, event := w.until(pubsub.RunEnded); event.Run.ID != id || event.Run.Status != protocol.RunCanceled {
				t.Errorf("the end is %+v", event.Run)
			}
		},
		"needs a secret key": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkStatus(t, s.As("").Do("GET", "/api/runhook/v1/live", nil), 401)
			checkStatus(t, s.As(s.Key(protocol.Development).Public).Do("GET", "/api/runhook/v1/live", nil), 401)
		},
	})
}

func TestWatchingIsForTheEnvironmentsOwn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	own := watch(t, s, s.Key(protocol.Development).Secret)
	other := watch(t, s, s.Key(protocol.Staging).Secret)
	app.End(nil, harness.Always(harness.Success("")))
	own.until(pubsub.RunEnded)
	s.Stop()
	if next := other.next(); next.name != "" {
		t.Errorf("another environment receives %+v", next)
	}
}

func TestWatchingEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	w := watch(t, s, s.Key(protocol.Development).Secret)
	s.Stop()
	if next := w.next(); next.name != "" {
		t.Errorf("after the end came %+v", next)
	}
}

func TestAQuietWatcherHearsThatTheServerIsThere(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	lines := open(t, s, s.Key(protocol.Development).Secret)
	heard := make(chan string, 1)
	go func() {
		for {
			line, err := lines.ReadString('\n')
			if err != nil || strings.HasPrefix(line, ":") {
				heard <- line
				return
			}
		}
	}()
	s.Wait("a sign of life", func() bool {
		s.Clock.Advance(time.Second)
		select {
		case line := <-heard:
			return line == ": still here\n"
		default:
			return false
		}
	})
}
