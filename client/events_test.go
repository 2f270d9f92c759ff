package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sdktest"
)

func TestEventsAreSentFromOutside(t *testing.T) {
	server, c := newClient(t)
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	log, err := c.SendEvent(t.Context(), client.Event{
		Name: "paid", Payload: line{3}, ID: "e1", Source: "bank", Context: map[string]int{"n": 1}, Timestamp: at,
	}, client.SendOptions{DeliverAt: at, AccountID: "a1"})
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
	synctestRun(t, func(t *testing.T, server *sdktest.Server, c *client.Client) {
		server.Fail("/events", 0, 1)
		if _, err := c.SendEvent(t.Context(), client.Event{Name: "paid"}, client.SendOptions{DeliverAfter: 1500 * time.Millisecond}); err != nil {
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
	server, c := newClient(t)
	logs, err := c.SendEvents(t.Context(), []client.Event{{Name: "a"}, {Name: "b", ID: "b1"}}, client.SendOptions{})
	events := server.Events()
	if err != nil || len(logs) != 2 || len(events) != 2 || len(server.Requests()) != 1 || events[0].ID == "" || logs[1].ID != "b1" {
		t.Errorf("sent %+v, %v", events, err)
	}
}

func TestEventsThatCannotBeSent(t *testing.T) {
	_, asking := newClient(t)
	cases := map[string]struct {
		event client.Event
		want  string
	}{
		"no name":         {client.Event{}, `send event "": an event has no name`},
		"no JSON payload": {client.Event{Name: "a", Payload: make(chan int)}, `send event "a": encode the payload of event "a" as JSON: json: unsupported type: chan int`},
		"no JSON context": {client.Event{Name: "a", Context: make(chan int)}, `send event "a": encode the context of event "a" as JSON: json: unsupported type: chan int`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := asking.SendEvent(t.Context(), c.event, client.SendOptions{}); errorText(err) != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	if _, err := asking.SendEvents(t.Context(), []client.Event{{}}, client.SendOptions{}); errorText(err) != "send 1 events: an event has no name" {
		t.Errorf("error %v", err)
	}
}
