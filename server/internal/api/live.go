package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/live"
)

// heartbeat is how often a watcher hears from the server at least, so that both
// sides, and what is between them, know that the connection lives.
const heartbeat = 15 * time.Second

// watch is GET /api/runhook/v1/live: what happens in the environment, as
// server-sent events. The first is ready: from then on nothing of this server
// process is left out, but where missed says how many were, because they were not
// read in time. The others are those of package live, by their kinds.
func (a *API) watch(w http.ResponseWriter, r *request) error {
	watcher := a.Live.Watch(r.environment.ID)
	defer watcher.Close()
	stream := stream{ResponseController: http.NewResponseController(w), w: w}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	stream.event("ready", map[string]string{"environment": string(r.environment.Type)})
	for stream.flush() {
		beat := a.Clock.NewTimer(heartbeat)
		select {
		case <-watcher.Ready():
			stream.take(watcher)
		case <-beat.C:
			stream.text.WriteString(": still here\n\n")
		case <-watcher.Ended():
			beat.Stop()
			stream.take(watcher)
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

// stream writes server-sent events.
type stream struct {
	*http.ResponseController
	w    http.ResponseWriter
	text bytes.Buffer
}

func (s *stream) take(watcher *live.Watcher) {
	events, missed := watcher.Take()
	for _, event := range events {
		s.event(string(event.Kind), event)
	}
	if missed > 0 {
		s.event("missed", map[string]int{"count": missed})
	}
}

func (s *stream) event(name string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return // of strings and numbers: it always encodes
	}
	s.text.WriteString("event: " + name + "\ndata: ")
	s.text.Write(data)
	s.text.WriteString("\n\n")
}

// flush sends what was written, and reports whether somebody is there.
func (s *stream) flush() bool {
	_, err := s.w.Write(s.text.Bytes())
	s.text.Reset()
	return err == nil && s.Flush() == nil
}
