package runhook

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	// longestSilence is how long a stream may be silent before it is taken for
	// dead: the server says something every 15 seconds.
	longestSilence = time.Minute
	// longestReconnectPause bounds the pauses between attempts to connect.
	longestReconnectPause = 10 * time.Second
)

// eventStream follows server-sent events, over as many connections as it takes.
type eventStream struct {
	api    *api
	logger *slog.Logger
	path   string
	// lastID is that of the last event that was handled: where to go on.
	lastID string
}

// errStreamSilent is why a connection is given up that says nothing any more.
var errStreamSilent = errors.New("the server has not said anything for too long")

// follow hands the events to handle, one after the other, until that says false or
// fails, ctx ends, or the server refuses the request. Whatever else ends a
// connection leads to the next.
func (s *eventStream) follow(ctx context.Context, handle func(kind string, data []byte) (bool, error)) error {
	if s.api.key == "" {
		return errNoAPIKey
	}
	for failures := 0; ; {
		heard, err := s.connection(ctx, handle)
		switch {
		case err == nil || ctx.Err() != nil:
			return orCause(ctx, err)
		case !worthReconnecting(err):
			return err
		case heard:
			failures = 0
		}
		s.logger.DebugContext(ctx, "runhook: the stream of events broke off and is taken up again", "err", err)
		pause := min(firstPause<<min(failures, requestRetries), longestReconnectPause) + rand.N(pauseJitter)
		failures++
		if err := pauseFor(ctx, pause); err != nil {
			return err
		}
	}
}

// orCause returns why ctx ended, if that is why something failed.
func orCause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// worthReconnecting is worthRetrying for somebody who has the time to wait for the
// end of a limit on the rate of requests.
func worthReconnecting(err error) bool {
	var refused *APIError
	if errors.As(err, &refused) {
		return refused.Temporary()
	}
	return worthRetrying(err)
}

// connection follows events over one connection, and reports whether there were
// any. It returns no error if handle has had enough.
func (s *eventStream) connection(ctx context.Context, handle func(kind string, data []byte) (bool, error)) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(longestSilence, func() { cancel(errStreamSilent) })
	defer silence.Stop()
	response, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	for {
		event, err := readEvent(reader, func() { silence.Reset(longestSilence) })
		if err != nil {
			return heard, fmt.Errorf("read the stream: %w", orCause(ctx, err))
		}
		heard = true
		silence.Stop() // while the event is handled, nobody listens
		goOn, err := handle(event.kind, event.data)
		if err != nil {
			return heard, &permanentError{err}
		}
		if event.id != "" {
			s.lastID = event.id
		}
		if !goOn {
			return heard, nil
		}
		silence.Reset(longestSilence)
	}
}

// open asks for the events after the last one that was handled.
func (s *eventStream) open(ctx context.Context) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.api.url+s.path, nil)
	if err != nil {
		return nil, &permanentError{fmt.Errorf("the API URL %q cannot be used: %w", s.api.url, err)}
	}
	request.Header.Set("Authorization", "Bearer "+s.api.key)
	request.Header.Set("Accept", "text/event-stream")
	if s.lastID != "" {
		request.Header.Set("Last-Event-ID", s.lastID)
	}
	client := *s.api.client
	client.Timeout = 0 // it would end a stream that is alive
	response, err := client.Do(request)
	if err != nil {
		return nil, noAnswer(orCause(ctx, err))
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	const enough = 64 << 10
	body, _ := io.ReadAll(io.LimitReader(response.Body, enough)) // the status says what matters
	return nil, apiError(response, body)
}

// sentEvent is one event of a stream.
type sentEvent struct {
	id, kind string
	data     []byte
}

// readEvent reads up to the end of the next event. alive is called with each line,
// whatever it is.
func readEvent(reader *bufio.Reader, alive func()) (event sentEvent, err error) {
	var data [][]byte
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return event, err // what was cut off is sent again
		}
		alive()
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case len(line) == 0 && (data != nil || event.id != ""):
			event.data = bytes.Join(data, []byte("\n"))
			return event, nil
		case len(line) == 0:
			event = sentEvent{}
		case name == "id":
			event.id = value
		case name == "event":
			event.kind = value
		case name == "data":
			data = append(data, []byte(value))
		}
	}
}
