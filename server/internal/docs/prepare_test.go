package docs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

const serverURL = "http://127.0.0.1:3030"

var developmentKey = "tr_dev_" + rand.Text()

// aServer starts a server on the usual port. Its data are where a reader who has
// followed README has them.
func aServer(t *testing.T, r reader) []string {
	t.Helper()
	openTerminal(t, r.home, r.environment).serve(block{
		text: "runhook serve --dev-api-key " + developmentKey + "\n", options: map[string]string{portOption: "3030"},
	})
	return []string{"RUNHOOK_API_KEY=" + developmentKey, "RUNHOOK_API_URL=" + serverURL, "TRIGGER_API_KEY=" + developmentKey, "TRIGGER_API_URL=" + serverURL}
}

// aServerWithRuns starts a server, an app with the job "shop", and a receiver at
// http://localhost:3000/done. Of its runs one has failed, whose notification could not
// be delivered, and the others have succeeded.
func aServerWithRuns(t *testing.T, r reader) []string {
	t.Helper()
	variables := aServer(t, r)
	app := runhook.New(runhook.Config{ID: "documents", APIKey: developmentKey, APIURL: serverURL})
	runhook.NewJob(app, "shop", "1.0.0", runhook.OnInvoke[map[string]any](), func(_ context.Context, order map[string]any) (string, error) {
		if order["fails"] != nil {
			return "", errors.New("out of stock")
		}
		return "shipped", nil
	})
	mux := http.NewServeMux()
	mux.Handle("/api/trigger", app)
	recorded := record(t, r.home, mux)
	mux.HandleFunc("/refuses", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	listener, err := net.Listen("tcp", "localhost:3000")
	if err != nil {
		t.Fatalf("the documents use port 3000 of this machine; stop what has it: %v", err)
	}
	web := &http.Server{Handler: mux}
	go web.Serve(listener)
	t.Cleanup(func() { _ = web.Close() })
	if err := app.Register(t.Context(), "http://localhost:3000/api/trigger"); err != nil {
		t.Fatal(err)
	}
	invoke(t, `{"payload": {"orderId": 41}, "options": {"callbackUrl": "http://localhost:3000/done"}}`)
	<-recorded
	run := invoke(t, `{"payload": {"fails": true}, "options": {"callbackUrl": "http://localhost:3000/refuses"}}`)
	return append(variables, "NOTIFICATION="+undelivered(t, run), "POSTGRES_URL="+testpostgres.URL(t))
}

// record serves /done, writes the first webhook that comes to a reader's files, beside
// those that verify it, and then closes the channel.
func record(t *testing.T, home string, mux *http.ServeMux) <-chan struct{} {
	t.Helper()
	if err := os.CopyFS(home, os.DirFS(filepath.Join(checkout, "docs", "verify"))); err != nil {
		t.Fatal(err)
	}
	recorded := make(chan struct{})
	var once sync.Once
	mux.HandleFunc("/done", func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		once.Do(func() {
			headers := ""
			for name, values := range request.Header {
				headers += strings.ToLower(name) + ": " + values[0] + "\n"
			}
			err = errors.Join(err, os.WriteFile(filepath.Join(home, "body.json"), body, 0o600), os.WriteFile(filepath.Join(home, "headers.txt"), []byte(headers), 0o600))
			close(recorded)
		})
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return recorded
}

func invoke(t *testing.T, body string) string {
	t.Helper()
	var run struct{ ID string }
	ask(t, http.MethodPost, "/api/v1/jobs/shop/invoke", body, &run)
	return run.ID
}

// undelivered waits until a run's notification has been refused, and returns its id.
func undelivered(t *testing.T, run string) string {
	t.Helper()
	for again := time.NewTicker(20 * time.Millisecond); ; <-again.C {
		var page struct {
			Notifications []struct{ ID, Status string }
		}
		ask(t, http.MethodGet, "/api/runhook/v1/notifications?run="+run, "", &page)
		if len(page.Notifications) == 1 && page.Notifications[0].Status == "EXHAUSTED" {
			return page.Notifications[0].ID
		}
		if t.Context().Err() != nil {
			t.Fatalf("the notification of %s is %+v", run, page)
		}
	}
}

// ask makes a request with the key of DEVELOPMENT.
func ask(t *testing.T, method, path, body string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, serverURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+developmentKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s is answered %d, %v", method, path, response.StatusCode, err)
	}
}
