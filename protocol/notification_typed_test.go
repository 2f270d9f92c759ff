package protocol_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

type order struct {
	Number int `json:"number"`
}

func decode[Payload, Output any](t *testing.T, n protocol.RawRunNotification) (protocol.RunNotification[Payload, Output], error) {
	t.Helper()
	var typed protocol.RunNotification[Payload, Output]
	err := json.Unmarshal(protocol.EncodeRunNotification(&n), &typed)
	return typed, err
}

func TestATypedNotificationDecodesOutputAndPayload(t *testing.T) {
	t.Parallel()
	n := succeeded()
	n.Output, n.Invocation.Payload = json.RawMessage(`0`), json.RawMessage(`{"number":7}`)
	typed, err := decode[order, int](t, n)
	if err != nil || typed.Output != 0 || typed.Invocation.Payload != (order{7}) || typed.Invocation.UndecodedPayload != nil {
		t.Fatalf("got %+v, %v", typed, err)
	}
	text, err := json.Marshal(typed)
	if err != nil || !strings.Contains(string(text), `"output":0,`) {
		t.Errorf("a zero output must be written: %s, %v", text, err)
	}
}

func TestAnUnfittingPayloadIsAnErrorUnlessTheRunFailed(t *testing.T) {
	t.Parallel()
	wrong := json.RawMessage(`{"number":"seven"}`)
	n := succeeded()
	n.Output, n.Invocation.Payload = json.RawMessage(`1`), wrong
	if _, err := decode[order, int](t, n); err == nil || !strings.Contains(err.Error(), "number") {
		t.Errorf("got error %v, want one that names the member", err)
	}
	n = failed()
	n.Status, n.Invocation.Payload = protocol.RunInvalidPayload, wrong
	n.Error = json.RawMessage(`[{"path":["number"],"message":"Expected number"}]`)
	typed, err := decode[order, int](t, n)
	if err != nil || typed.Status != protocol.RunInvalidPayload || typed.ID != "run_1" || typed.Task == nil {
		t.Fatalf("got %+v, %v", typed, err)
	}
	if string(typed.Invocation.UndecodedPayload) != string(wrong) || typed.Invocation.Payload != (order{}) {
		t.Errorf("got payload %+v and %s", typed.Invocation.Payload, typed.Invocation.UndecodedPayload)
	}
	if text, err := json.Marshal(typed); err != nil || !strings.Contains(string(text), string(wrong)) {
		t.Errorf("encoding lost the payload: %s, %v", text, err)
	}
	if _, err := decode[order, int](t, bare()); err != nil {
		t.Errorf("a failed run whose payload fits by chance: %v", err)
	}
}

func TestMalformedNotificationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `null x`, `[]`, `{"ok":"yes"}`, `{"ok":false,"startedAt":"soon"}`} {
		var n protocol.RunNotification[order, int]
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%q was accepted as %+v", text, n)
		}
	}
}

func TestErrorsAreReadByTheirShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, error string
		status      protocol.RunStatus
		want        *protocol.Error
		complaints  []protocol.SchemaError
	}{
		{name: "an error", status: protocol.RunFailure, error: `{"message":"no","name":"TypeError","extra":1}`, want: &protocol.Error{Message: "no", Name: "TypeError"}},
		{name: "an error with an empty message", status: protocol.RunFailure, error: `{"message":""}`, want: &protocol.Error{}},
		{name: "a string", status: protocol.RunFailure, error: `"no"`},
		{name: "no error", status: protocol.RunCanceled},
		{name: "complaints about a payload", status: protocol.RunInvalidPayload, error: `[{"path":["a","0"],"message":"Required"}]`,
			complaints: []protocol.SchemaError{{Path: []string{"a", "0"}, Message: "Required"}}},
		{name: "an array that is not about a payload", status: protocol.RunFailure, error: `[{"path":["a"],"message":"Required"}]`},
		{name: "unresolved integrations, one of them called message", status: protocol.RunUnresolvedAuth, error: `{"message":{"id":"slack","error":"none"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := protocol.RawRunNotification{Status: c.status, Error: json.RawMessage(c.error)}
			if got := n.RunError(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("RunError: got %+v, want %+v", got, c.want)
			}
			if got := n.SchemaErrors(); !reflect.DeepEqual(got, c.complaints) {
				t.Errorf("SchemaErrors: got %+v, want %+v", got, c.complaints)
			}
			if got := (protocol.NotificationTask{Error: n.Error}).TaskError(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("TaskError: got %+v, want %+v", got, c.want)
			}
		})
	}
}
