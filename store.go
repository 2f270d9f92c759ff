package runhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// A Store keeps small values on the server, by their keys, until they are
// deleted. It belongs to an environment ([EnvironmentStore]), a job ([JobStore]) or a
// run ([RunStore]).
//
// Its methods are tasks: on later executions they do nothing and return what they did
// the first time. Code that uses the same key from several goroutines of a run must
// add [Key] to distinguish the calls. Outside of a run they return [ErrNoRun]; the
// store of an environment is there for GetValue and SetValue of [client.Client], too.
type Store struct {
	backend backend // nil for one that was made outside of a run
	label   string
	prefix  string
}

// EnvironmentStore returns the store of the environment that the run of ctx belongs to,
// which all its apps share. Outside a run its methods return [ErrNoRun].
func EnvironmentStore(ctx context.Context) Store {
	s := branchFrom(ctx)
	if s == nil {
		return Store{}
	}
	return Store{backend: s.execution.backend, label: "environment"}
}

// JobStore returns the store that all runs of a job share: that which ctx belongs
// to. Outside a run its methods return [ErrNoRun].
func JobStore(ctx context.Context) Store {
	s := branchFrom(ctx)
	if s == nil {
		return Store{}
	}
	return Store{backend: s.execution.backend, label: "job", prefix: "job:" + s.execution.run.Job.ID + ":"}
}

// RunStore returns the store of the run that ctx belongs to. Outside a run its
// methods return [ErrNoRun].
func RunStore(ctx context.Context) Store {
	s := branchFrom(ctx)
	if s == nil {
		return Store{}
	}
	return Store{backend: s.execution.backend, label: "run", prefix: "run:" + s.execution.run.ID + ":"}
}

// Get decodes the value of a key into target, a pointer, and reports whether there
// was one.
func (s Store) Get(ctx context.Context, key string, target any) (bool, error) {
	output, err := s.do(ctx, "get", key, func(ctx context.Context, server backend) (any, error) {
		text, found, err := server.GetValue(ctx, s.prefix+key)
		if err != nil || !found || text == "" {
			return storedValue{}, err
		}
		return storedValue{Found: true, Value: json.RawMessage(text)}, nil
	})
	if err != nil {
		return false, err
	}
	var stored storedValue
	if err := json.Unmarshal(output, &stored); err != nil {
		return false, s.failed("get", key, err)
	}
	if !stored.Found {
		return false, nil
	}
	if err := json.Unmarshal(stored.Value, target); err != nil {
		return false, s.failed("get", key, fmt.Errorf("the value does not fit a %T: %w", target, err))
	}
	return true, nil
}

// storedValue is the result of the task that gets a value.
type storedValue struct {
	Found bool            `json:"found"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Set sets the value of a key: anything that encodes as at most 256 KiB of JSON.
func (s Store) Set(ctx context.Context, key string, value any) error {
	text, err := encode(value)
	if err != nil {
		return s.failed("set", key, fmt.Errorf("encode the value as JSON: %w", err))
	}
	if err := transport.CheckValue(text); err != nil {
		return s.failed("set", key, err)
	}
	_, err = s.do(ctx, "set", key, func(ctx context.Context, server backend) (any, error) {
		return nil, server.SetValue(ctx, s.prefix+key, string(text))
	})
	return err
}

// Delete deletes a key, and reports whether it had a value.
func (s Store) Delete(ctx context.Context, key string) (bool, error) {
	output, err := s.do(ctx, "delete", key, func(ctx context.Context, server backend) (any, error) {
		return server.DeleteValue(ctx, s.prefix+key)
	})
	return string(output) == "true", err
}

func (s Store) failed(verb, key string, err error) error {
	return fmt.Errorf("%s %q in the %s's store: %w", verb, key, s.label, err)
}

// do makes a request to the server as a task.
func (s Store) do(ctx context.Context, verb, key string, request func(context.Context, backend) (any, error)) (json.RawMessage, error) {
	scope := branchFrom(ctx)
	if s.backend == nil || scope == nil {
		return nil, fmt.Errorf("%s %q in a store: %w", verb, key, ErrNoRun)
	}
	call, err := newTaskCall(s.label+"."+verb+" "+key, protocol.CreateTask{
		Name: verb + " " + key, Params: mustEncode(map[string]string{"store": s.label, "key": key}),
		Style: &protocol.Style{Style: "minimal"},
	}, nil)
	if err != nil {
		return nil, err
	}
	scope.tellApart(call, "store "+call.key)
	call.run = func(context.Context) (json.RawMessage, error) {
		x := scope.execution
		answer, err := request(x.ctx, x.backend)
		if err != nil {
			return nil, x.unanswered(err, verb+" value in", call.key)
		}
		return encode(answer)
	}
	return scope.call(ctx, call)
}
