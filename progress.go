package runhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// Progress is a status that a run sets to show how far it is, for a user interface to
// follow. It has nothing to do with the [protocol.RunStatus] that the server keeps.
// Fields that are empty keep what they were.
type Progress struct {
	// Label is a text for people. A new progress status without one has its key.
	Label string
	// State is how it goes.
	State ProgressState
	// Data is anything that encodes as a JSON object. It replaces what was
	// there.
	Data any
}

// ProgressState is how something goes that a run shows the progress of.
type ProgressState string

// The states of a progress status.
const (
	ProgressLoading ProgressState = "loading"
	ProgressSuccess ProgressState = "success"
	ProgressFailure ProgressState = "failure"
)

// SetProgress sets the run's progress status called key, once for each place in the
// code that does. A run may have several, and may set each many times. They can be
// read while the run is under way, with GetRunStatuses of package client, and are part of its
// completion webhook.
func SetProgress(ctx context.Context, key string, progress Progress, options ...StepOption) error {
	s := branchFrom(ctx)
	if s == nil {
		return fmt.Errorf("progress %q: %w", key, ErrNoRun)
	}
	update, err := progress.update()
	if err != nil {
		return fmt.Errorf("progress %q: %w", key, err)
	}
	request := protocol.CreateTask{
		Name: orDefault(progress.Label, "Status update"), Icon: "bell",
		Params: mustEncode(update), Properties: progress.properties(),
	}
	call, err := newTaskCall(key, request, taskOptionsOf(options))
	if err != nil {
		return err
	}
	s.tellApart(call, "status "+key)
	call.run = func(ctx context.Context) (json.RawMessage, error) {
		x := s.execution
		requests, release := x.requestContext(ctx)
		defer release()
		record, err := x.backend.updateStatus(requests, x.run.ID, key, update)
		if err != nil {
			return nil, x.unanswered(err, "set status in", key)
		}
		return encode(record)
	}
	_, err = s.call(ctx, call)
	return err
}

func (p Progress) update() (*protocol.UpdateProgress, error) {
	update := &protocol.UpdateProgress{Label: p.Label, State: string(p.State)}
	if p.Data == nil {
		return update, nil
	}
	data, err := encode(p.Data)
	if err != nil {
		return nil, fmt.Errorf("encode the data as JSON: %w", err)
	}
	if data[0] != '{' {
		return nil, fmt.Errorf("the data, a %T, is no object in JSON", p.Data)
	}
	update.Data = data
	return update, nil
}

func (p Progress) properties() []protocol.DisplayProperty {
	properties := []protocol.DisplayProperty{}
	if p.Label != "" {
		properties = append(properties, protocol.DisplayProperty{Label: "Label", Text: p.Label})
	}
	if p.State != "" {
		properties = append(properties, protocol.DisplayProperty{Label: "State", Text: string(p.State)})
	}
	return properties
}
