package dashboard

import (
	"fmt"
	"net/http"
	"time"
)

// heartbeat is how often a browser hears from the server at least, and gathered how long
// changes are waited for that come together.
const (
	heartbeat = 15 * time.Second
	gathered  = 250 * time.Millisecond
)

// changes is GET /ENVIRONMENT/changes: server-sent events without content, one whenever
// something happened in the environment, no more than four a second. The browser fetches
// its page again.
func (d *Dashboard) changes(w http.ResponseWriter, r *http.Request, e *Environment) {
	subscriber := d.PubSub.Subscribe(e.ID)
	defer subscriber.Close()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no")
	send := func(text string) bool {
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return http.NewResponseController(w).Flush() == nil
	}
	ok := send("event: ready\ndata:\n\n")
	for ok {
		beat := d.Clock.NewTimer(heartbeat)
		select {
		case <-subscriber.Ready():
			beat.Stop()
			pause := d.Clock.NewTimer(gathered)
			select {
			case <-pause.C:
			case <-r.Context().Done():
				pause.Stop()
				return
			}
			subscriber.Take()
			ok = send("event: change\ndata:\n\n")
		case <-beat.C:
			ok = send(": still here\n\n")
		case <-subscriber.Ended():
			beat.Stop()
			return
		case <-r.Context().Done():
			beat.Stop()
			return
		}
	}
}
