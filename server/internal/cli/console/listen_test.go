package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/cli/console"
	"github.com/runhook/runhook/server/internal/cli/remote"
)

// A server of a version before may send what no decoder takes.
func TestANotificationThatCannotBeReadDoesNotKeepOthersFromBeingForwarded(t *testing.T) {
	t.Parallel()
	for name, unreadable := range map[string]string{
		"nested too deeply": `{"id":"n_2","url":"u","payload":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `,"body":"{}"}`,
		"no JSON":           `{"id":"n_2",`,
		"a note":            `{"unreadable":"it cannot be encoded"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "id: 1\nevent: ready\ndata: {}\n\nid: 2\nevent: notification\ndata: %s\n\nid: 3\nevent: notification\ndata: {\"id\":\"n_3\",\"url\":\"u\",\"body\":\"{}\"}\n\n", unreadable)
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}))
			defer server.Close()
			ctx, stop := context.WithCancel(t.Context())
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if id := r.Header.Get("webhook-id"); id != "n_3" {
					t.Errorf("%s was forwarded", id)
				}
				io.Copy(io.Discard, r.Body)
				stop()
			}))
			defer app.Close()
			asked, err := remote.New(server.URL, "tr_dev_key")
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			c := console.Console{Server: asked, Out: &out, JSON: true}
			if err := c.Listen(ctx, console.Listening{Forward: app.URL, APIKey: "tr_dev_key"}); err != nil {
				t.Fatal(err)
			}
			var line struct{ Cursor, Error string }
			if err := json.NewDecoder(strings.NewReader(out.String())).Decode(&line); err != nil || line.Cursor != "2" || !strings.Contains(line.Error, "cannot be read") {
				t.Errorf("it says %q: %v", out.String(), err)
			}
		})
	}
}
