package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/intake"
)

// maxExecuteBytes bounds the answer to EXECUTE_JOB: a task's output may have
// 3 MiB, and several tasks may be echoed.
const maxExecuteBytes = 32 << 20

// Execute sends EXECUTE_JOB with the given body, the JSON of a
// [protocol.ExecuteJob], and says what came of it. The outcome must be released.
func (c *Client) Execute(ctx context.Context, target Target, body []byte) ExecuteOutcome {
	if target.URL == "" {
		return ExecuteOutcome{Kind: Failed, Error: &protocol.Error{Message: "Endpoint has no URL set"}}
	}
	callContext, cancel := deadline(ctx, c.executeTimeout)
	defer cancel()
	sent := c.now()
	request := message{action: protocol.ActionExecuteJob, body: body}
	if c.answers != nil {
		// To wait for memory is no fault of the app, whose time limit does not end it.
		request.room = func(response *http.Response, limit int64) (*intake.Body, error) {
			return c.answers.ReadAnswer(ctx, target.Environment, response, egress.Unpack(response), limit)
		}
	}
	answer, err := c.call(callContext, target, request, maxExecuteBytes)
	duration := c.now().Sub(sent).Round(time.Millisecond)

	var outcome ExecuteOutcome
	if err != nil {
		outcome = unanswered(callContext, target, err)
	} else {
		outcome = c.classify(answer)
		outcome.held = answer.held
		outcome.StatusCode = answer.status
		outcome.Versions = versions(answer.header)
		outcome.Metadata = runMetadata(answer.header)
	}
	outcome.Duration = duration
	return outcome
}

// unanswered classifies a call that brought no complete answer.
func unanswered(ctx context.Context, target Target, err error) ExecuteOutcome {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ExecuteOutcome{Kind: Interrupted, Error: &protocol.Error{
			Message: fmt.Sprintf("The execution was interrupted: %v", context.Cause(ctx)),
		}}
	case ctx.Err() != nil:
		return ExecuteOutcome{Kind: TimedOut, Error: &protocol.Error{
			Message: fmt.Sprintf("Endpoint (%s) did not answer in time: %v", target.URL, context.Cause(ctx)),
		}}
	}
	return ExecuteOutcome{Kind: Transient, Error: &protocol.Error{Message: connectionMessage(target.URL, err)}}
}

// connectionMessage says why there is no answer. What the guard refused speaks
// for itself.
func connectionMessage(location string, err error) string {
	if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
		return refused.Error()
	}
	if lost, ok := errors.AsType[*lostError](err); ok {
		return fmt.Sprintf("Connection to the endpoint (%s) was lost before its answer was complete: %v", location, lost)
	}
	return fmt.Sprintf("Connection could not be established to the endpoint (%s): %v", location, err)
}

// classify decides by status first: what a gateway writes into the body of a
// 504 does not make it anything but a time-out.
func (c *Client) classify(answer *answer) ExecuteOutcome {
	switch {
	case answer.ok():
		return classifyBody(answer)
	case platformTimeout(answer):
		return ExecuteOutcome{Kind: TimedOut, Error: errorOf(answer)}
	case answer.status == http.StatusTooManyRequests:
		return ExecuteOutcome{Kind: Transient, Error: errorOf(answer), RetryAfter: retryAfter(answer.header, c.now())}
	case answer.status >= 400 && answer.status <= 499:
		return ExecuteOutcome{Kind: Failed, Error: errorOf(answer)}
	}
	return ExecuteOutcome{Kind: Transient, Error: errorOf(answer), RetryAfter: retryAfter(answer.header, c.now())}
}

// classifyBody reads a 2xx answer. One that is not JSON comes from something in
// front of the app, and is gone the next time; one that is JSON of the wrong
// shape comes from the app, and is not.
func classifyBody(answer *answer) ExecuteOutcome {
	if answer.tooLarge {
		return ExecuteOutcome{Kind: Failed, Error: &protocol.Error{
			Message: fmt.Sprintf("Endpoint responded with more than %d MiB, which is the most an execution may return", maxExecuteBytes>>20),
		}}
	}
	result, err := parseResult(answer)
	damaged, _ := errors.AsType[*egress.EncodingError](err)
	switch {
	case damaged != nil && damaged.Cause != nil:
		return ExecuteOutcome{Kind: Transient, Error: &protocol.Error{Message: "Endpoint responded with a damaged answer: " + err.Error()}}
	case errors.Is(err, errNotJSON):
		return ExecuteOutcome{Kind: Transient, Error: &protocol.Error{Message: "Endpoint responded with invalid JSON"}}
	case err != nil:
		return ExecuteOutcome{Kind: Failed, Error: &protocol.Error{Message: "Endpoint responded with an invalid answer: " + err.Error()}}
	}
	return ExecuteOutcome{Kind: Answered, Result: result}
}

// platformTimeout reports whether an answer other than 2xx is how a platform
// says that it killed a function for the time it took.
func platformTimeout(answer *answer) bool {
	switch {
	case answer.status == http.StatusRequestTimeout, answer.status == http.StatusGatewayTimeout:
		return true
	case answer.header.Get("X-Vercel-Error") == "FUNCTION_INVOCATION_TIMEOUT":
		return true
	case answer.status == http.StatusBadGateway: // Deno Deploy
		return bytes.Contains(answer.body, []byte("TIME_LIMIT"))
	case answer.status == http.StatusServiceUnavailable: // Cloudflare Workers
		return answer.header.Get("Cf-Ray") != "" && bytes.Contains(answer.body, []byte("Worker exceeded resource limits"))
	}
	return false
}

// errorOf returns the error in the body of an answer other than 2xx, or one
// that names the status.
func errorOf(answer *answer) *protocol.Error {
	if answer.redirectProblem != "" {
		return &protocol.Error{Message: fmt.Sprintf("Endpoint responded with %d status code: %s", answer.status, answer.redirectProblem)}
	}
	var check shape
	if failure := check.failure("", answer.body); len(check.problems) == 0 {
		return failure
	}
	message := fmt.Sprintf("Endpoint responded with %d status code", answer.status)
	if start := beginning(answer.body); start != "" {
		message += ": " + start
	}
	return &protocol.Error{Message: message}
}

// longestBeginning bounds how much of a body an error shows, in characters.
const longestBeginning = 500

// beginning returns the beginning of a body that people are to read: its words, with
// single blanks between them, as valid UTF-8 without control characters. Of a page in
// HTML, as frameworks answer errors, it is the text.
func beginning(body []byte) string {
	const enough = 16 * longestBeginning // also for much white space, and tags
	text := strings.ToValidUTF8(string(body[:min(len(body), enough)]), "\ufffd")
	if start := strings.ToLower(strings.TrimSpace(text)); strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") {
		text = textOfPage(text)
	}
	readable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	characters := []rune(strings.Join(strings.Fields(readable), " "))
	if len(characters) <= longestBeginning {
		return string(characters)
	}
	return string(characters[:longestBeginning]) + "..."
}

// textOfPage returns what a reader of a page sees, and its title.
func textOfPage(page string) string {
	var text strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(page))
	hidden := false
	for {
		switch tokens.Next() {
		case html.ErrorToken: // the end, or where the page was cut off
			return text.String()
		case html.TextToken:
			if !hidden {
				text.Write(tokens.Text())
			}
		case html.StartTagToken:
			name, _ := tokens.TagName()
			hidden = string(name) == "style" || string(name) == "script"
			text.WriteByte(' ')
		case html.EndTagToken:
			hidden = false
			text.WriteByte(' ')
		default:
			text.WriteByte(' ')
		}
	}
}
