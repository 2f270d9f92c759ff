package runhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// Status is something a run says about its progress, for a user interface to
// follow. Fields that are empty keep what they were.
type Status struct {
	// Label is a text for people. A new status without one has its key.
	Label string
	// State is how it goes.
	State State
	// Data is anything that encodes as a JSON object. It replaces what was
	// there.
	Data any
}

// State is how a status goes.
type State string

// The states of a status.
const (
	Loading State = "loading"
	Success State = "success"
	Failure State = "failure"
)

// SetStatus sets the run's status called key, once for each place in the code
// that does. The statuses of a run can be read while it goes on, with
// [Client.GetRunStatuses], and are part of its completion webhook.
//
// A status may be set many times. Code that sets the same one from several
// goroutines must add [Key] to tell the calls apart.
func SetStatus(ctx context.Context, key string, status Status, options ...TaskOption) error {
	s := scopeFrom(ctx)
	if s == nil {
		return fmt.Errorf("status %q: %w", key, ErrNoRun)
	}
	update, err := status.update()
	if err != nil {
		return fmt.Errorf("status %q: %w", key, err)
	}
	request := protocol.CreateTask{
		Name: orDefault(status.Label, "Status update"), Icon: "bell",
		Params: mustEncode(update), Properties: status.properties(),
	}
	call, err := newTaskCall(key, request, options)
	if err != nil {
		return err
	}
	s.tellApart(call, "status "+key)
	call.run = func(context.Context) (json.RawMessage, error) {
		x := s.execution
		record, err := x.backend.updateStatus(x.ctx, x.run.ID, key, update)
		if err != nil {
			return nil, x.unanswered(err, "set status in", key)
		}
		return encode(record)
	}
	_, err = s.call(ctx, call)
	return err
}

func (s Status) update() (*protocol.UpdateStatus, error) {
	update := &protocol.UpdateStatus{Label: s.Label, State: string(s.State)}
	if s.Data == nil {
		return update, nil
	}
	data, err := encode(s.Data)
	if err != nil {
		return nil, fmt.Errorf("encode the data as JSON: %w", err)
	}
	if data[0] != '{' {
		return nil, fmt.Errorf("the data, a %T, is no object in JSON", s.Data)
	}
	update.Data = data
	return update, nil
}

func (s Status) properties() []protocol.DisplayProperty {
	properties := []protocol.DisplayProperty{}
	if s.Label != "" {
		properties = append(properties, protocol.DisplayProperty{Label: "Label", Text: s.Label})
	}
	if s.State != "" {
		properties = append(properties, protocol.DisplayProperty{Label: "State", Text: string(s.State)})
	}
	return properties
}
