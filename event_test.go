package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

func TestEventsAreSentFromOutside(t *testing.T) {
	server, client := newApp(t)
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	log, err := client.SendEvent(t.Context(), runhook.Event{
		Name: "paid", Payload: line{3}, ID: "e1", Source: "bank", Context: map[string]int{"n": 1}, Timestamp: at,
	}, runhook.DeliverAt(at), runhook.AccountID("a1"))
	if err != nil || log.ID != "e1" || string(log.Payload) != `{"quantity":3}` {
		t.Fatalf("log %+v, %v", log, err)
	}
	request := server.Requests()[0]
	want := `{"event":{"name":"paid","payload":{"quantity":3},"context":{"n":1},"id":"e1","timestamp":"2026-02-03T04:05:06.000Z","source":"bank"},` +
		`"options":{"deliverAt":"2026-02-03T04:05:06.000Z","accountId":"a1"}}`
	if request.Body != want || request.Method+request.Path != "POST/api/v1/events" {
		t.Errorf("sent %s", request.Body)
	}
}

func TestEventsWithoutAnIDGetOneThatSurvivesRepeats(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, client *runhook.Client) {
		server.Fail("/events", 0, 1)
		if _, err := client.SendEvent(t.Context(), runhook.Event{Name: "paid"}, runhook.DeliverAfter(1500*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		requests := server.Requests()
		if len(requests) != 2 || requests[0].Body != requests[1].Body || !strings.Contains(requests[0].Body, `"id":"`) ||
			!strings.Contains(requests[0].Body, `"deliverAfter":2`) {
			t.Errorf("sent %+v", requests)
		}
	})
}

func TestManyEventsAreSentInOneRequest(t *testing.T) {
	server, client := newApp(t)
	logs, err := client.SendEvents(t.Context(), []runhook.Event{{Name: "a"}, {Name: "b", ID: "b1"}})
	events := server.Events()
	if err != nil || len(logs) != 2 || len(events) != 2 || len(server.Requests()) != 1 || events[0].ID == "" || logs[1].ID != "b1" {
		t.Errorf("sent %+v, %v", events, err)
	}
}

func TestARunSendsItsEventsOnce(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (string, error) {
		one, err := runhook.SendEvent(ctx, "one", runhook.Event{Name: "a", Payload: 1})
		if err != nil {
			return "", err
		}
		many, err := runhook.SendEvents(ctx, "many", []runhook.Event{{Name: "b"}, {Name: "c", ID: "c1"}}, runhook.AccountID("acct"))
		if err != nil {
			return "", err
		}
		if err := runhook.Sleep(ctx, "pause", time.Second); err != nil {
			return "", err
		}
		return fmt.Sprint(one.Name, len(many), many[1].ID), nil
	})
	settleFor(server, run, time.Second, 2)
	wantOutput(t, run, `"a2c1"`)
	events := server.Events()
	if len(events) != 3 || events[0].ID != protocol.IdempotencyKey(run.ID, "", "one")+"-0" || events[1].Options.AccountID != "acct" {
		t.Errorf("sent %+v", events)
	}
	if task := run.Tasks()[0]; task.Name != "Send event" || string(task.Params) != `{"events":[{"name":"a","payload":1}],"options":{}}` {
		t.Errorf("task %+v", task)
	}
}

func TestARunWhoseEventsCannotBeSentNowGoesOnLater(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, client *runhook.Client) {
		runhook.NewJob(client, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (none, error) {
			_, err := runhook.SendEvent(ctx, "a", runhook.Event{Name: "a"})
			return none{}, err
		})
		run := server.Invoke("job", "{}")
		server.Fail("/bulk", 503, 7)
		server.Settle()
		wantAnswers(t, run, "AUTO_YIELD_EXECUTION SUCCESS")
		if len(server.Events()) != 1 {
			t.Errorf("sent %+v", server.Events())
		}
	})
}

func TestEventsThatCannotBeSent(t *testing.T) {
	_, client := newApp(t)
	cases := map[string]struct {
		event runhook.Event
		want  string
	}{
		"no name":         {runhook.Event{}, `send event "": an event has no name`},
		"no JSON payload": {runhook.Event{Name: "a", Payload: make(chan int)}, `send event "a": encode the payload of event "a" as JSON: json: unsupported type: chan int`},
		"no JSON context": {runhook.Event{Name: "a", Context: make(chan int)}, `send event "a": encode the context of event "a" as JSON: json: unsupported type: chan int`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := client.SendEvent(t.Context(), c.event); errorText(err) != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := runhook.SendEvent(t.Context(), "k", runhook.Event{Name: "a"}); !errors.Is(err, runhook.ErrNoRun) {
		t.Errorf("outside of a run: %v", err)
	}
	if _, err := runhook.SendEvents(t.Context(), "k", []runhook.Event{{}}); errorText(err) != `task "k": an event has no name` {
		t.Errorf("error %v", err)
	}
	if _, err := client.SendEvents(t.Context(), []runhook.Event{{}}); errorText(err) != "send 1 events: an event has no name" {
		t.Errorf("error %v", err)
	}
}

func TestTheClientSendsNoEventsInARun(t *testing.T) {
	var client *runhook.Client
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := client.SendEvent(ctx, runhook.Event{Name: "a"})
		return none{}, err
	})
	client = runhook.New(runhook.Config{ID: "other", APIKey: "k"})
	server.Settle()
	if failed := runError(t, run); !strings.Contains(failed.Message, "use the functions SendEvent or SendEvents") {
		t.Errorf("failed with %+v", failed)
	}
}

func TestEventsStartTheJobsThatListen(t *testing.T) {
	server, client := newApp(t)
	var got []string
	runhook.NewJob(client, "job", "1.0.0", runhook.OnEvent[line]("paid", runhook.OrEvent("refunded")), func(ctx context.Context, l line) (none, error) {
		run := runhook.RunFrom(ctx)
		got = append(got, fmt.Sprint(run.Event.Name, run.Event.ID, run.Account.ID, l.Quantity))
		return none{}, nil
	})
	for _, event := range []runhook.Event{{Name: "paid", ID: "1", Payload: line{1}}, {Name: "refunded", ID: "2", Payload: line{2}}, {Name: "lost"}} {
		if _, err := client.SendEvent(t.Context(), event, runhook.AccountID("acct")); err != nil {
			t.Fatal(err)
		}
	}
	server.Settle()
	if fmt.Sprint(got) != "[paid1acct1 refunded2acct2]" {
		t.Errorf("ran for %q", got)
	}
}

func TestEventsCanBeReadAndCanceled(t *testing.T) {
	server, client := newApp(t)
	runhook.NewJob(client, "job", "1.0.0", runhook.OnEvent[none]("a"), ignore)
	ctx := t.Context()
	if _, err := client.SendEvent(ctx, runhook.Event{Name: "a", ID: "x/y"}); err != nil {
		t.Fatal(err)
	}
	details, err := client.GetEvent(ctx, "x/y")
	if err != nil || details.Name != "a" || len(details.Runs) != 1 {
		t.Fatalf("event %+v, %v", details, err)
	}
	log, err := client.CancelEvent(ctx, "x/y")
	if err != nil || log.CancelledAt == nil {
		t.Errorf("event %+v, %v", log, err)
	}
	canceled, err := client.CancelEventRuns(ctx, "x/y")
	if err != nil || len(canceled.Canceled) != 1 || server.Run(details.Runs[0].ID).Status != protocol.RunCanceled {
		t.Errorf("canceled %+v, %v", canceled, err)
	}
	var refused *runhook.APIError
	if _, err := client.GetEvent(ctx, "none"); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("error %v", err)
	}
	if _, err := client.CancelEvent(ctx, "none"); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
	if _, err := client.CancelEventRuns(ctx, "none"); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
}
