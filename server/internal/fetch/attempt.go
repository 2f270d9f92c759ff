package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// trouble is why a request got no answer.
type trouble struct {
	message string
	// One of these is set, or none if trying again may help.
	interrupted, timedOut, final bool
}

// ask makes a request within a time. Without an answer there is trouble.
func (c *Client) ask(ctx context.Context, task Task, request request, limit time.Duration) (*answer, *trouble) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := c.send(limited, ctx, task, request)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, &trouble{message: "Fetch was interrupted", interrupted: true}
	case isFinal(err):
		return nil, &trouble{message: request.hide("Fetch failed: " + err.Error()), final: true}
	case limited.Err() != nil:
		return nil, &trouble{message: fmt.Sprintf("Fetch timed out after %dms", limit.Milliseconds()), timedOut: true}
	}
	return nil, &trouble{message: request.hide("Fetch failed: " + err.Error())}
}

func isFinal(err error) bool {
	if _, ok := errors.AsType[*finalError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*egress.URLError](err); ok {
		return true
	}
	_, ok := errors.AsType[*egress.RefusedError](err)
	return ok
}

// fetch attempts a fetch or fetch-response.
func (c *Client) fetch(ctx context.Context, task Task, fetch *Fetch) Outcome {
	answer, trouble := c.ask(ctx, task, fetch.request, fetch.timeout)
	if trouble != nil {
		return c.afterTrouble(fetch, trouble, task.Attempt, c.now())
	}
	outcome := c.afterAnswer(fetch, answer, task, c.now())
	outcome.held = answer.held
	return outcome
}

func (c *Client) afterAnswer(fetch *Fetch, answer *answer, task Task, now time.Time) Outcome {
	switch {
	case answer.ok() && answer.tooDeep():
		return failed(depthProblem)
	case answer.ok():
		return finished(answer, task.Operation)
	}
	problem := fmt.Sprintf("Fetch failed with status %d", answer.status)
	if at, ok := fetch.retryAt(answer, task.Attempt, now, c.random()); ok {
		return again(at, problem)
	}
	return Outcome{Kind: Failed, Output: answer.errorOutput(), AttemptError: problem}
}

func (c *Client) afterTrouble(fetch *Fetch, trouble *trouble, attempt int, now time.Time) Outcome {
	if trouble.interrupted {
		return interrupted(trouble.message)
	}
	retry := fetch.timeoutRetry
	if retry == nil && !trouble.timedOut {
		retry = &forConnections
	}
	if retry == nil || trouble.final {
		return failed(trouble.message)
	}
	if at, ok := after(now, retry, attempt, c.random()); ok {
		return again(at, trouble.message)
	}
	return failed(trouble.message)
}

// poll attempts a fetch-poll. What ends a poll is its own time-out, so requests
// that go wrong on the way are not counted.
func (c *Client) poll(ctx context.Context, task Task, poll *Poll) Outcome {
	deadline := task.StartedAt.Add(poll.timeout)
	if !c.now().Before(deadline) {
		return failed(fmt.Sprintf("Task timed out after %d seconds", int(poll.timeout.Seconds())))
	}
	answer, trouble := c.ask(ctx, task, poll.request, poll.requestTimeout)
	now := c.now()
	if trouble != nil {
		return c.afterPollTrouble(poll, trouble, now, deadline)
	}
	outcome := again(earlier(now.Add(poll.interval), deadline), "")
	if poll.until.Match(filter.ReceivedResponse{Status: answer.status, Header: answer.header, Body: answer.json()}) {
		outcome = finished(answer, OperationFetch)
		if answer.tooDeep() {
			outcome = failed(depthProblem)
		}
	}
	outcome.Poll, outcome.held = pollAttempt(&poll.request, answer), answer.held
	return outcome
}

func (c *Client) afterPollTrouble(poll *Poll, trouble *trouble, now, deadline time.Time) Outcome {
	pause := poll.interval
	switch {
	case trouble.interrupted:
		return interrupted(trouble.message)
	case trouble.final, trouble.timedOut && poll.timeoutRetry == nil:
		return failed(trouble.message)
	case poll.timeoutRetry != nil:
		const first, shortest = 1, time.Second
		asked, ok := poll.timeoutRetry.pause(first, c.random())
		if !ok {
			return failed(trouble.message)
		}
		pause = max(asked, shortest)
	}
	return again(earlier(now.Add(pause), deadline), trouble.message)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// maxShownBody is the longest body that is kept with every attempt of a poll.
const maxShownBody = 32 << 10

func pollAttempt(request *request, answer *answer) *PollAttempt {
	body := answer.json()
	if len(body) > maxShownBody {
		body = nil
	}
	return &PollAttempt{
		Name: "poll attempt", Icon: "activity", Noop: true,
		Style:       protocol.Style{Style: "minimal", Variant: "info"},
		Description: fmt.Sprintf("%s %s %d", request.method, request.url, answer.status),
		Params: encode(struct {
			Status  int             `json:"status"`
			Headers json.RawMessage `json:"headers"`
			Body    json.RawMessage `json:"body,omitempty"`
		}{answer.status, answer.headers(), body}),
	}
}

// depthProblem is why a result cannot be kept.
var depthProblem = model.DepthMessage("Fetch failed: the response")

func finished(answer *answer, operation string) Outcome {
	data := answer.json()
	if data == nil {
		data = json.RawMessage("null")
	}
	outcome := Outcome{Kind: Finished, Output: data, Context: answer.headers()}
	if operation == OperationFetchResponse {
		outcome.Output = encode(struct {
			Data    json.RawMessage `json:"data"`
			Headers json.RawMessage `json:"headers"`
			Status  int             `json:"status"`
		}{data, outcome.Context, answer.status})
	}
	return outcome
}

func failed(message string) Outcome {
	return Outcome{Kind: Failed, Output: errorJSON(message), AttemptError: message}
}

func again(at time.Time, problem string) Outcome {
	return Outcome{Kind: Again, RetryAt: at, AttemptError: problem}
}

func interrupted(problem string) Outcome {
	return Outcome{Kind: Interrupted, AttemptError: problem}
}
