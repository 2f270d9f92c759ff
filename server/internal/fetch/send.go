package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/intake"
)

const (
	// MaxBodyBytes is the longest body that a task can get.
	MaxBodyBytes = 10 << 20
	// maxRedirects is how many redirects of one attempt are followed.
	maxRedirects = 10
)

// finalError is a failure that would only repeat itself.
type finalError struct{ problem string }

func (e *finalError) Error() string { return e.problem }

// send makes a request and follows redirects as fetch in JavaScript does. ctx has the
// time limit of the request, and whole that of the attempt: to wait for memory is no
// fault of who is asked.
func (c *Client) send(ctx, whole context.Context, task Task, request request) (*answer, error) {
	for hop := 0; ; hop++ {
		if err := c.outgoing.CheckURL(request.url, task.EnvironmentType); err != nil {
			return nil, err
		}
		answer, err := c.sendOnce(ctx, whole, task, request)
		if err != nil {
			return nil, err
		}
		next, ok, err := request.redirected(answer)
		if err != nil {
			answer.held.Release()
			return nil, err
		}
		if !ok {
			return answer, nil
		}
		answer.held.Release()
		if hop >= maxRedirects {
			return nil, &finalError{fmt.Sprintf("there are more than %d redirects", maxRedirects)}
		}
		request = next
	}
}

func (c *Client) sendOnce(ctx, whole context.Context, task Task, request request) (*answer, error) {
	outgoing, err := egress.NewRequest(ctx, request.method, request.url, strings.NewReader(request.body))
	if err != nil {
		return nil, &finalError{"the request cannot be made"} // the cause may hold the URL
	}
	outgoing.Header = request.header
	outgoing.Host = request.host
	response, err := c.outgoing.Client(task.EnvironmentType).Do(outgoing)
	if err != nil {
		// Its text repeats the URL, which may hold a secret.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	defer response.Body.Close()

	answer := &answer{status: response.StatusCode, header: response.Header}
	answer.held, err = c.readBody(whole, task.Environment, response)
	if _, tooLong := errors.AsType[*finalError](err); tooLong && !answer.ok() {
		return answer, nil // its status says enough
	}
	if err != nil {
		return nil, err
	}
	answer.body = answer.held.Bytes
	return answer, nil
}

// readBody reads and unpacks a body within bounds, as soon as there is room in memory.
func (c *Client) readBody(ctx context.Context, environment string, response *http.Response) (*intake.Body, error) {
	body, err := c.unpack(ctx, environment, response)
	if wrong, ok := errors.AsType[*egress.EncodingError](err); ok {
		if wrong.Cause == nil {
			return nil, &finalError{wrong.Error()}
		}
		return nil, wrong
	}
	if _, ok := errors.AsType[*intake.TooLargeError](err); ok {
		return nil, &finalError{fmt.Sprintf("the answer has more than %d MiB, which is the most the server keeps", MaxBodyBytes>>20)}
	}
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	return body, nil
}

func (c *Client) unpack(ctx context.Context, environment string, response *http.Response) (*intake.Body, error) {
	from := egress.Unpack(response)
	if c.answers == nil {
		body, err := io.ReadAll(io.LimitReader(from, MaxBodyBytes+1))
		if err == nil && len(body) > MaxBodyBytes {
			err = &intake.TooLargeError{Most: MaxBodyBytes}
		}
		return &intake.Body{Bytes: body}, err
	}
	return c.answers.ReadAnswer(ctx, environment, response, from, MaxBodyBytes)
}
