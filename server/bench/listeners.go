package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
)

const (
	// matching is how many jobs listen to the event that is sent.
	matching = 3
	// fewListeners is what many listeners are compared with.
	fewListeners = 10
	// sentEvents is how many events are sent, one after the other.
	sentEvents = 200
)

const sectionEvents = "Events that each start 3 runs, one sent after the other, until they are answered"

// measureEvents measures how long an event takes that starts three runs, where few
// jobs listen to events and where many do.
func (b *bench) measureEvents(ctx context.Context, engine string) error {
	for _, listeners := range []int{fewListeners, b.options.listeners} {
		if err := b.measureListeners(ctx, engine, listeners); err != nil {
			return fmt.Errorf("with %d listeners: %w", listeners, err)
		}
	}
	return nil
}

func (b *bench) measureListeners(ctx context.Context, engine string, listeners int) (err error) {
	url, _, remove, err := b.newDatabase(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	app, err := listen(&rawApp{index: func() protocol.Index { return listeningIndex(listeners) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.stop()) }()
	server, err := b.startServer(ctx, url, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := register(ctx, server.url, app.url); err != nil {
		return err
	}
	took := make([]float64, sentEvents)
	for i := range took {
		body := fmt.Sprintf(`{"event":{"id":"%d","name":"listened","payload":{"number":%d}}}`, i, i)
		began := time.Now()
		if err := ask(ctx, http.MethodPost, server.url+"/api/v1/events", body, nil); err != nil {
			return err
		}
		took[i] = milliseconds(time.Since(began))
		var event protocol.EventDetails
		if err := ask(ctx, http.MethodGet, fmt.Sprintf("%s/api/v2/events/%d", server.url, i), "", &event); err != nil {
			return err
		}
		if len(event.Runs) != matching {
			return fmt.Errorf("event %d started %d runs, not %d", i, len(event.Runs), matching)
		}
	}
	for _, q := range []float64{0.5, 0.99} {
		row := fmt.Sprintf("%d jobs listen, p%.0f", listeners, 100*q)
		b.report.add(sectionEvents, row, "ms", columnOf(engine), quantile(took, q))
	}
	return nil
}

// listeningIndex returns the index of an app with so many jobs. Three of them listen
// to one event, each other one to an event of its own.
func listeningIndex(jobs int) protocol.Index {
	index := rawIndex()
	job := index.Jobs[0]
	index.Jobs = nil
	for i := range jobs {
		name := "listened"
		if i >= matching {
			name = fmt.Sprintf("listened-%d", i)
		}
		job.ID, job.Name = fmt.Sprintf("listener-%d", i), fmt.Sprintf("Listener %d", i)
		job.Event.Name = json.RawMessage(fmt.Sprintf("%q", name))
		job.Trigger = json.RawMessage(fmt.Sprintf(`{"type":"static","title":%q,"rule":{"event":%q,"source":"trigger.dev"}}`, name, name))
		index.Jobs = append(index.Jobs, job)
	}
	return index
}
