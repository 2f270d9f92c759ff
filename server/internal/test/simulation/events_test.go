package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
)

// The jobs that others start or wake: two that listen to the same event, one that
// waits for an event, and one that waits for a request.
const (
	jobShipper = "shipper"
	jobBiller  = "biller"
	jobWaiter  = "waiter"
	jobAsker   = "asker"
)

// The events.
const (
	eventPlaced = "order.placed"
	eventPaid   = "order.paid"
)

// placed is what both listeners do.
func (a *app) placed(job string) func(context.Context, order) (int, error) {
	return func(ctx context.Context, o order) (int, error) { return a.task(ctx, o, job) }
}

// waiter waits until its order is paid.
func (a *app) waiter(ctx context.Context, o order) (int, error) {
	if _, err := a.task(ctx, o, "before"); err != nil {
		return 0, err
	}
	paid, err := runhook.WaitForEvent[order](ctx, "wait", eventPaid,
		runhook.Where(filter.Object{"number": filter.Is(o.Number)}), runhook.Timeout(24*time.Hour))
	return paid.Payload.Number, err
}

// asker waits until someone answers.
func (a *app) asker(ctx context.Context, o order) (int, error) {
	answer, err := runhook.WaitForRequest[order](ctx, "ask", func(_ context.Context, url string) error {
		a.answers.Go(func() { a.answer(url, o) })
		return nil
	}, runhook.Timeout(24*time.Hour))
	if err != nil {
		return 0, err
	}
	after, err := a.task(ctx, o, "after")
	return answer.Number + after, err
}

// answer posts an order to a URL until it gets there.
func (a *app) answer(url string, o order) {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err) // it is numbers
	}
	for attempt := range untiring {
		name := fmt.Sprint("answer ", o.Number, " ", attempt)
		a.network.gate.sleep(name, a.faults.upTo(name, 20*time.Second))
		response, err := a.network.client().Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode < http.StatusInternalServerError {
			return
		}
	}
}

// untiring is how often is tried what must come about by then.
const untiring = 1000

// pay sends the payment of an order until its run has ended: runs notice only
// what comes when they have begun to wait.
func (w *world) pay(id string, o order) {
	for attempt := range untiring {
		if w.model.notified(id) {
			return
		}
		_, _ = w.app.client.SendEvent(context.Background(), client.Event{Name: eventPaid, Payload: o}, client.SendOptions{})
		name := fmt.Sprint("pay ", o.Number, " ", attempt)
		w.gate.sleep(name, 10*time.Second+w.faults.upTo(name, 20*time.Second))
	}
}

// placeOne has a client send an event until it is accepted, and sometimes once
// more. Both listeners must get it, once.
func (w *world) placeOne() {
	w.orders++
	o := order{Number: w.orders}
	event := client.Event{Name: eventPlaced, ID: fmt.Sprint("placed-", o.Number), Payload: o}
	delay, again := w.faults.upTo("deliver", time.Minute), w.choose(4) == 0
	if w.choose(2) == 0 {
		delay = 0
	}
	w.clients.Go(func() {
		for {
			log, err := w.app.client.SendEvent(context.Background(), event, client.SendOptions{DeliverAfter: delay})
			if err != nil {
				w.gate.sleep(fmt.Sprint("place ", o.Number, " again"), time.Second)
				continue
			}
			w.model.sent(log.ID)
			if !again {
				return
			}
			again = false
		}
	})
}

// listenersDone reports whether both listeners have done their work for each event,
// and fails the test if there are more runs than listeners.
func (w *world) listenersDone() bool {
	for _, id := range w.model.events() {
		details, err := w.app.client.GetEvent(context.Background(), id)
		if err != nil {
			return false
		}
		succeeded := 0
		for _, run := range details.Runs {
			if run.Status == protocol.RunSuccess {
				succeeded++
			}
		}
		if len(details.Runs) > 2 {
			w.t.Errorf("event %s started %d runs, want one for each of its 2 listeners", id, len(details.Runs))
		}
		if succeeded < 2 {
			return false
		}
	}
	return true
}
