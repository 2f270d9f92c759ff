package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// silence is how long a stream may say nothing before it is taken for broken: the
// server gives a sign of life more often than that.
const silence = 45 * time.Second

// Event is one server-sent event.
type Event struct {
	// ID is where to go on after it; empty if the event is no place in the stream.
	ID string
	// Name is the event's; empty if it has none.
	Name string
	Data []byte
}

// Stream reads server-sent events and calls handle for each, in order, until ctx
// ends, the connection breaks or handle returns an error, and returns why. after
// is the ID of the last event that was seen; empty for none.
func (c *Client) Stream(ctx context.Context, path, after string, handle func(Event) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(silence, func() { cancel(fmt.Errorf("it said nothing for %v", silence)) })
	defer alive.Stop()
	header := map[string]string{"Accept": "text/event-stream"}
	if after != "" {
		header["Last-Event-ID"] = after
	}
	response, err := c.open(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return ending(ctx, err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return &Refusal{response.StatusCode, fmt.Sprintf("it answers %q instead of a stream of events", kind)}
	}
	lines := bufio.NewReader(response.Body)
	for {
		event, err := readEvent(lines, func() { alive.Reset(silence) })
		if err != nil {
			return ending(ctx, err)
		}
		// However long the handling takes, the stream is not silent meanwhile.
		alive.Stop()
		if err := handle(event); err != nil {
			return err
		}
		alive.Reset(silence)
	}
}

// readEvent reads the next event that has data. heard is called for every line.
func readEvent(lines *bufio.Reader, heard func()) (event Event, err error) {
	var data [][]byte
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return Event{}, err
		}
		heard()
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if len(data) > 0 {
				event.Data = bytes.Join(data, []byte("\n"))
				return event, nil
			}
			event = Event{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			event.ID = string(value)
		case "event":
			event.Name = string(value)
		case "data":
			data = append(data, value)
		}
	}
}

// ending says why a connection ended.
func ending(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ended the connection")
	}
	return err
}
