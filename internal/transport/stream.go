package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/runhook/runhook/internal/sse"
	"github.com/runhook/runhook/protocol"
)

const (
	// longestSilence is how long a stream may be silent before it is taken for broken:
	// the server sends something every 15 seconds.
	longestSilence = time.Minute
	// longestReconnectPause bounds the pauses between attempts to connect.
	longestReconnectPause = 10 * time.Second
)

// ErrStreamEnded is in the chain of the error of [Stream.Read] when the server, or the
// network, ended the connection.
var ErrStreamEnded = errors.New("it ended the connection")

// Stream reads the server-sent events of one path.
type Stream struct {
	// Client and Path say whose events are read.
	Client *Client
	Path   string
	// LastID is that of the last event that was handled: where to resume. Empty is the
	// path's own beginning.
	LastID string
}

// Follow reads events over as many connections as it takes, and hands them to handle, one
// after the other, until handle returns an error, ctx ends or the server refuses the
// request, and returns why. lost is called with what ended a connection before the next
// is made.
func (s *Stream) Follow(ctx context.Context, lost func(err error), handle func(sse.Event) error) error {
	for failures := 0; ; {
		received, err := s.read(ctx, handle)
		var failed *handleError
		switch {
		case errors.As(err, &failed):
			return failed.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !reconnectable(err):
			return err
		case received:
			failures = 0
		}
		failures++
		lost(err)
		if err := Pause(ctx, backoff(failures, longestReconnectPause)+rand.N(pauseJitter)); err != nil {
			return err
		}
	}
}

// reconnectable reports whether a stream is read over another connection after an error.
// Nobody waits for the answer, so any limit of requests is waited for.
func reconnectable(err error) bool {
	var refused *protocol.APIError
	if errors.As(err, &refused) {
		return refused.Temporary()
	}
	return !isPermanent(err)
}

// Read hands the events of one connection to handle, one after the other, until the
// connection or ctx ends or handle returns an error, and returns why. An event that is too
// large is handed over without its data. The stream's LastID moves on with each event that
// was handled.
func (s *Stream) Read(ctx context.Context, handle func(sse.Event) error) error {
	_, err := s.read(ctx, handle)
	var failed *handleError
	if errors.As(err, &failed) {
		return failed.error
	}
	return err
}

// handleError is an error of the function that handles events.
type handleError struct{ error }

func (e *handleError) Unwrap() error { return e.error }

// read follows events over one connection, and reports whether there were any.
func (s *Stream) read(ctx context.Context, handle func(sse.Event) error) (received bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(longestSilence, func() { cancel(fmt.Errorf("it sent nothing for %v", longestSilence)) })
	defer silence.Stop()
	response, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	events := sse.NewReader(response.Body, sse.MaxBytes, func() { silence.Reset(longestSilence) })
	for {
		event, err := events.Next()
		if err != nil {
			return received, ending(ctx, err)
		}
		received = true
		silence.Stop() // while the event is handled, nobody reads
		if err := handle(event); err != nil {
			return received, &permanentError{&handleError{err}}
		}
		if event.ID != "" {
			s.LastID = event.ID
		}
		silence.Reset(longestSilence)
	}
}

// open asks for the events after the last one that was handled.
func (s *Stream) open(ctx context.Context) (*http.Response, error) {
	if err := s.Client.CheckKey(); err != nil {
		return nil, &permanentError{err}
	}
	request, err := s.Client.newRequest(ctx, http.MethodGet, s.Path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	if s.LastID != "" {
		request.Header.Set("Last-Event-ID", s.LastID)
	}
	client := *s.Client.http
	client.Timeout = 0 // it would end a stream that is alive
	response, err := client.Do(request)
	if err != nil {
		return nil, noAnswer(ending(ctx, err))
	}
	kind := response.Header.Get("Content-Type")
	if response.StatusCode == http.StatusOK && strings.HasPrefix(kind, "text/event-stream") {
		return response, nil
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil, &protocol.APIError{StatusCode: http.StatusOK, Message: fmt.Sprintf("it answers %q instead of a stream of events", kind)}
	}
	const enough = 64 << 10
	body, _ := io.ReadAll(io.LimitReader(response.Body, enough)) // the status says what matters
	return nil, apiError(response, body)
}

// ending says why a connection ended.
func ending(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrStreamEnded
	}
	return err
}
