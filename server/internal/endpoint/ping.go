package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// maxPingBytes bounds the answers to PING, VALIDATE and RUN_NOTIFICATION.
const maxPingBytes = 1 << 20

// Ping asks whether the endpoint is there, has this key, and is the one that
// target.Slug names. The error is an [*Error] with the message the protocol
// gives it.
func (c *Client) Ping(ctx context.Context, target Target) (Versions, error) {
	answer, err := c.ask(ctx, target, message{action: protocol.ActionPing}, c.timeout, maxPingBytes)
	if err != nil {
		return Versions{}, err
	}
	if _, err := acknowledgement(answer, target, protocol.ActionPing); err != nil {
		return Versions{}, err
	}
	return versions(answer.header), nil
}

// Validate asks the endpoint for the identifier of its client. The errors are
// those of [Client.Ping].
func (c *Client) Validate(ctx context.Context, target Target) (ValidateResult, error) {
	answer, err := c.ask(ctx, target, message{action: protocol.ActionValidate}, c.timeout, maxPingBytes)
	if err != nil {
		return ValidateResult{}, err
	}
	members, err := acknowledgement(answer, target, protocol.ActionValidate)
	if err != nil {
		return ValidateResult{}, err
	}
	result := ValidateResult{Versions: versions(answer.header)}
	var check shape
	if check.need("endpointId", members["endpointId"], &result.EndpointID) && result.EndpointID == "" {
		check.fail("endpointId", "empty value")
	}
	if len(check.problems) > 0 {
		return ValidateResult{}, misshapen(answer, target, protocol.ActionValidate, check.problems[0])
	}
	return result, nil
}

// RunNotification sends RUN_NOTIFICATION with the given body, the JSON of a
// RunNotification. It returns nil once the endpoint has taken it; otherwise an
// [*Error], and sending it again later may succeed.
func (c *Client) RunNotification(ctx context.Context, target Target, body []byte) error {
	answer, err := c.ask(ctx, target, message{action: protocol.ActionRunNotification, body: body}, c.executeTimeout, maxPingBytes)
	if err != nil {
		return err
	}
	_, err = acknowledgement(answer, target, protocol.ActionRunNotification)
	return err
}

// ask sends a message and returns its 2xx answer. Anything else is an [*Error].
func (c *Client) ask(ctx context.Context, target Target, message message, timeout time.Duration, limit int64) (*answer, error) {
	callContext, cancel := deadline(ctx, timeout)
	defer cancel()
	answer, err := c.call(callContext, target, message, limit)
	if err != nil {
		return nil, connectionError(callContext, target, message.action, err)
	}
	if !answer.ok() {
		failure := statusError(answer, target, message.action)
		failure.RetryAfter = retryAfter(answer.header, c.now())
		return nil, failure
	}
	return answer, nil
}

// connectionError explains a call that brought no complete answer.
func connectionError(ctx context.Context, target Target, action protocol.Action, err error) *Error {
	failure := &Error{Action: action, Message: "Could not connect to endpoint " + target.URL, Cause: err}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		failure.Cause = fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	case ctx.Err() != nil:
		failure.Cause = context.Cause(ctx)
	default:
		if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
			failure.Message, failure.Cause = refused.Error(), refused
		}
	}
	return failure
}

// statusError explains an answer other than 2xx.
func statusError(answer *answer, target Target, action protocol.Action) *Error {
	failure := &Error{Action: action, StatusCode: answer.status}
	if answer.status == http.StatusUnauthorized {
		failure.Message = "Trigger API key is invalid"
		var check shape
		if said := check.failure("", answer.body); len(check.problems) == 0 && said.Message != "" {
			failure.Message = said.Message
		}
		return failure
	}
	failure.Message = fmt.Sprintf("Could not connect to endpoint %s. Status code: %d", target.URL, answer.status)
	if answer.redirectProblem != "" {
		failure.Message += ": " + answer.redirectProblem
	}
	return failure
}

// acknowledgement reads an answer of the form {"ok": true, ...} and returns its
// members.
func acknowledgement(answer *answer, target Target, action protocol.Action) (map[string]json.RawMessage, error) {
	body, failure := answer.read(target, action)
	if failure != nil {
		return nil, failure
	}
	var check shape
	var ok bool
	members := check.object("", body)
	if members != nil {
		check.need("ok", members["ok"], &ok)
	}
	if len(check.problems) > 0 {
		return nil, misshapen(answer, target, action, check.problems[0])
	}
	if ok {
		return members, nil
	}
	var said string
	if !check.need("error", members["error"], &said) {
		return nil, misshapen(answer, target, action, check.problems[0])
	}
	return nil, &Error{Action: action, Message: said, StatusCode: answer.status}
}

func unparsable(answer *answer, action protocol.Action) *Error {
	return &Error{
		Action:     action,
		Message:    "Could not parse response from endpoint. Make sure it points to the correct URL (you might be missing /api/trigger)",
		StatusCode: answer.status,
	}
}

func misshapen(answer *answer, target Target, action protocol.Action, what problem) *Error {
	return &Error{
		Action:     action,
		Message:    fmt.Sprintf("Endpoint %s responded with error: %s", target.URL, what),
		StatusCode: answer.status,
		Malformed:  true,
	}
}
