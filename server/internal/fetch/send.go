package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
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

// send makes a request and follows redirects as fetch in JavaScript does.
func (c *Client) send(ctx context.Context, environmentType protocol.EnvironmentType, request request) (*answer, error) {
	for hop := 0; ; hop++ {
		if err := c.outgoing.CheckURL(request.url, environmentType); err != nil {
			return nil, err
		}
		answer, err := c.sendOnce(ctx, environmentType, request)
		if err != nil {
			return nil, err
		}
		next, ok, err := request.redirected(answer)
		if err != nil || !ok {
			return answer, err
		}
		if hop >= maxRedirects {
			return nil, &finalError{fmt.Sprintf("there are more than %d redirects", maxRedirects)}
		}
		request = next
	}
}

func (c *Client) sendOnce(ctx context.Context, environmentType protocol.EnvironmentType, request request) (*answer, error) {
	outgoing, err := egress.NewRequest(ctx, request.method, request.url, strings.NewReader(request.body))
	if err != nil {
		return nil, &finalError{"the request cannot be made"} // the cause may hold the URL
	}
	outgoing.Header = request.header
	outgoing.Host = request.host
	response, err := c.outgoing.Client(environmentType).Do(outgoing)
	if err != nil {
		// Its text repeats the URL, which may hold a secret.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	defer response.Body.Close()

	answer := &answer{status: response.StatusCode, header: response.Header}
	answer.body, err = readBody(response)
	if _, tooLong := errors.AsType[*finalError](err); tooLong && !answer.ok() {
		return answer, nil // its status says enough
	}
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// readBody reads and unpacks a body within bounds.
func readBody(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(egress.Unpack(response), MaxBodyBytes+1))
	if wrong, ok := errors.AsType[*egress.EncodingError](err); ok {
		if wrong.Cause == nil {
			return nil, &finalError{wrong.Error()}
		}
		return nil, wrong
	}
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > MaxBodyBytes {
		return nil, &finalError{fmt.Sprintf("the answer has more than %d MiB, which is the most the server keeps", MaxBodyBytes>>20)}
	}
	return body, nil
}
