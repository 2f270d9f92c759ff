package runhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// registration is something under a key that a program adds to, or takes from, what
// its jobs run on: a schedule or a trigger.
type registration struct {
	app  *App
	verb string
	// kind is "schedule" or "trigger", id that of the dynamic one it belongs to.
	kind, id, key string
	params        json.RawMessage
}

func (r registration) failed(err error) error {
	return fmt.Errorf("%s %s %q of dynamic %s %q: %w", r.verb, r.kind, r.key, r.kind, r.id, err)
}

// do makes the request to the server, in a run as a task. The same may be done to a
// key several times. The request is given an idempotency key.
func (r registration) do(ctx context.Context, request func(ctx context.Context, server backend, idempotencyKey string) error) error {
	s := branchFrom(ctx)
	if s == nil {
		if err := request(ctx, r.app.backend, rand.Text()); err != nil {
			return r.failed(err)
		}
		return nil
	}
	call, err := newTaskCall(r.key, protocol.CreateTask{
		Name: r.verb + " " + r.kind, Icon: r.kind + "-dynamic", Params: r.params,
		Properties: []protocol.DisplayProperty{{Label: "Dynamic " + r.kind, Text: r.id}, {Label: "Key", Text: r.key}},
	}, nil)
	if err != nil {
		return r.failed(err)
	}
	s.tellApart(call, r.kind+" "+r.id+" "+r.verb+" "+r.key)
	call.parts = append(call.parts, r.verb, r.id)
	if r.kind != "schedule" { // which came first, and keep their keys
		call.parts = append(call.parts, r.kind)
	}
	call.run = func(ctx context.Context) (json.RawMessage, error) {
		if err := request(s.execution.ctx, s.execution.backend, CurrentTask(ctx).IdempotencyKey); err != nil {
			return nil, s.execution.unanswered(err, r.verb+" "+r.kind+" in", r.key)
		}
		return nil, nil
	}
	_, err = s.call(ctx, call)
	return err
}
