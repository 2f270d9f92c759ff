package api

import (
	"bytes"
	"log/slog"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/schedules"
)

// heartbeat is how often a watcher hears from the server at least, so that both
// sides, and what is between them, know that the connection lives.
const heartbeat = 15 * time.Second

// watch is GET /api/runhook/v1/live: what happens in the environment, as
// server-sent events. The first is ready: from then on nothing of this server
// process is left out, but where missed says how many were, because they were not
// read in time. The others are those of package pubsub, by their kinds. With the
// parameter endpoint, the id of an app's client, the connection also attaches to
// that app: in DEVELOPMENT its schedules tick as long as someone is.
func (a *API) watch(w http.ResponseWriter, r *request) error {
	attached, err := a.attach(r)
	if err != nil {
		return err
	}
	defer attached.close()
	subscriber := a.PubSub.Subscribe(r.environment.ID)
	defer subscriber.Close()
	stream := stream{ResponseController: http.NewResponseController(w), w: w, shown: r.shown, log: a.Log}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	stream.event("ready", map[string]string{"environment": string(r.environment.Type)})
	for stream.flush() {
		beat := a.Clock.NewTimer(heartbeat)
		select {
		case <-subscriber.Ready():
			stream.take(subscriber)
		case <-beat.C:
			stream.text.WriteString(": still here\n\n")
			attached.keep()
		case <-subscriber.Ended():
			beat.Stop()
			stream.take(subscriber)
			stream.flush()
			return nil
		case <-r.Context().Done():
			beat.Stop()
			return nil
		}
		beat.Stop()
	}
	return nil
}

// attachment is one that a connection may have.
type attachment struct {
	*schedules.Attachment
	api *API
	r   *request
}

// attach attaches to the app that a request names, if any.
func (a *API) attach(r *request) (attachment, error) {
	slug := r.URL.Query().Get("endpoint")
	if slug == "" || r.Method == http.MethodHead {
		return attachment{}, nil
	}
	if err := model.LimitEndpointID.Check("Invalid or missing query parameters: endpoint", slug); err != nil {
		return attachment{}, err
	}
	attached, err := a.Schedules.Attach(r.Context(), r.environment, slug)
	return attachment{attached, a, r}, err
}

func (a attachment) keep() {
	if a.Attachment == nil {
		return
	}
	attachments := a.api.Health.Component("attachments to apps")
	if err := a.Keep(a.r.Context()); err == nil {
		attachments.Succeeded()
	} else if a.r.Context().Err() == nil {
		attachments.Failed(err) // the heartbeat is pause enough
	}
}

func (a attachment) close() {
	if a.Attachment != nil {
		a.Close()
	}
}

// stream writes server-sent events.
type stream struct {
	*http.ResponseController
	w     http.ResponseWriter
	shown func(text []byte) []byte
	log   *slog.Logger
	text  bytes.Buffer
}

func (s *stream) take(subscriber *pubsub.Subscriber) {
	events, missed := subscriber.Take()
	for _, event := range events {
		s.event(string(event.Kind), event)
	}
	if missed > 0 {
		s.event("missed", map[string]int{"count": missed})
	}
}

// event writes an event. What a pointer points to may be changed; what cannot be shown
// in it is replaced. If it cannot be encoded all the same, a note is sent in its place,
// so that a client that reads the stream knows and gets what follows.
func (s *stream) event(name string, value any) {
	text, err := encodeReadable(value)
	if err != nil {
		s.log.Error("cannot encode an event of a stream; a note was sent instead", "event", name, "err", err)
		text, _ = encodeAnswer(unreadableNote{err.Error()}) // a text always encodes
	}
	s.text.WriteString("event: " + name + "\ndata: ")
	s.text.Write(s.shown(text)) // which ends the line
	s.text.WriteByte('\n')
}

// flush sends what was written, and reports whether someone is there.
func (s *stream) flush() bool {
	_, err := s.w.Write(s.text.Bytes())
	s.text.Reset()
	return err == nil && s.Flush() == nil
}
