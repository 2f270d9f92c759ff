package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/intake"
)

// What every request says of the server: part of the protocol.
const (
	serverVersion = protocol.VersionLazyCachedTasks
	userAgent     = "triggerdotdev-server/2.0.0"
)

// maxErrorBytes is how much of an answer other than 2xx is read.
const maxErrorBytes = 1 << 20

// answer is what an endpoint sent back, body included.
type answer struct {
	status int
	header http.Header
	body   []byte
	// held is what the body counts for in memory; nil for nothing.
	held *intake.Body
	// tooLarge says that the body continued after the limit; body is then cut.
	tooLarge bool
	// undecoded is set when the body could not be unpacked; body is then empty.
	undecoded *egress.EncodingError
	// url is where the answer came from: the target's, unless it redirected.
	url string
	// redirectProblem says why a redirect was not followed.
	redirectProblem string
}

func (a *answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// lostError says that the connection broke after the answer had begun.
type lostError struct{ cause error }

func (e *lostError) Error() string { return e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// message is what an endpoint is sent.
type message struct {
	action protocol.Action
	body   []byte
	// header is what the action is sent with beside what all are.
	header http.Header
	// room reads a 2xx answer within the bounds of memory; nil to read it at once.
	room func(response *http.Response, limit int64) (*intake.Body, error)
}

// call sends a message and follows the redirects that its action permits.
// limit bounds the body of a 2xx answer.
func (c *Client) call(ctx context.Context, target Target, message message, limit int64) (*answer, error) {
	location := target.URL
	for hop := 0; ; hop++ {
		if err := c.outgoing.CheckURL(location, target.EnvironmentType); err != nil {
			return nil, err
		}
		answer, err := c.send(ctx, location, target, message, limit)
		if err != nil {
			return nil, err
		}
		next, problem := redirect(answer, message.action, hop)
		if next == "" {
			answer.redirectProblem = problem
			return answer, nil
		}
		location = next
	}
}

// send makes one request and reads its answer to the end.
func (c *Client) send(ctx context.Context, location string, target Target, message message, limit int64) (*answer, error) {
	request, err := egress.NewRequest(ctx, http.MethodPost, location, bytes.NewReader(message.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, message.header)
	setHeaders(request.Header, target, message.action)
	response, err := c.outgoing.Client(target.EnvironmentType).Do(request)
	if err != nil {
		// Its text repeats the method and the URL, which our messages have.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	defer response.Body.Close()

	answer := &answer{status: response.StatusCode, header: response.Header, url: location}
	switch {
	case !answer.ok():
		answer.body, answer.tooLarge, err = readAtMost(response, maxErrorBytes)
	case message.room != nil:
		err = answer.readWithin(message.room, response, limit)
	default:
		answer.body, answer.tooLarge, err = readAtMost(response, limit)
	}
	if wrong, ok := errors.AsType[*egress.EncodingError](err); ok {
		answer.body, answer.undecoded = nil, wrong
	} else if err != nil {
		return nil, &lostError{err}
	}
	// JSON has no byte-order mark, but some hosts write one before it.
	answer.body = bytes.TrimPrefix(answer.body, []byte("\ufeff"))
	return answer, nil
}

// readWithin unpacks a body of at most limit bytes by way of a room.
func (a *answer) readWithin(room func(*http.Response, int64) (*intake.Body, error), response *http.Response, limit int64) error {
	body, err := room(response, limit)
	if _, ok := errors.AsType[*intake.TooLargeError](err); ok {
		a.tooLarge = true
		return nil
	}
	if err != nil {
		return err
	}
	a.body, a.held = body.Bytes, body
	return nil
}

func setHeaders(header http.Header, target Target, action protocol.Action) {
	header.Set(protocol.HeaderAPIKey, target.APIKey)
	header.Set(protocol.HeaderAction, string(action))
	header.Set(protocol.HeaderServerVersion, serverVersion)
	header.Set("User-Agent", userAgent)
	header.Set("Accept", "application/json")
	header.Set("Accept-Encoding", egress.AcceptEncoding)
	switch action {
	case protocol.ActionPing:
		header.Set(protocol.HeaderEndpointID, headerText(target.Slug))
	case protocol.ActionExecuteJob, protocol.ActionRunNotification:
		header.Set("Content-Type", "application/json")
	}
	// Without a value this is not sent, but lets net/http repeat a request that
	// met a connection the app had just closed; see the package comment.
	header[protocol.HeaderIdempotencyKey] = nil
}

// readAtMost unpacks a body up to limit bytes and reports whether there was more.
// It trusts the announced length only so far, because memory is spent on it.
func readAtMost(response *http.Response, limit int64) (body []byte, more bool, err error) {
	const trusted = 64 << 10
	var buffer bytes.Buffer
	buffer.Grow(int(max(0, min(response.ContentLength, trusted))) + bytes.MinRead)
	if _, err := buffer.ReadFrom(io.LimitReader(egress.Unpack(response), limit+1)); err != nil {
		return nil, false, err
	}
	if int64(buffer.Len()) > limit {
		return buffer.Bytes()[:limit], true, nil
	}
	return buffer.Bytes(), false, nil
}

// deadline bounds a call. The returned context's error is Canceled only if the
// caller's was, and DeadlineExceeded if time ran out, ours or the caller's.
func deadline(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no complete answer within %s", limit))
}
