package remote_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sse"
	"github.com/runhook/runhook/server/internal/cli/remote"
)

func TestTheAPIKeyFollowsNoRedirectToAnotherOrigin(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Header.Get("Authorization") }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/?token=s3cret", http.StatusPermanentRedirect)
	}))
	defer server.Close()
	asked, err := remote.New(server.URL, "tr_dev_key")
	if err != nil {
		t.Fatal(err)
	}
	_, called := asked.RegisterApp(t.Context(), client.AppRegistration{ID: "shop", URL: "http://app.test"})
	streamed := asked.Stream("/api/runhook/v1/live", "").Read(t.Context(), func(sse.Event) error { return nil })
	for what, err := range map[string]error{"a call": called, "a stream": streamed} {
		if err == nil {
			t.Errorf("%s succeeded", what)
			continue
		}
		said := asked.Explain(err).Error()
		if !strings.Contains(said, server.URL) || !strings.Contains(said, "--server "+other.URL) || strings.Contains(said, "s3cret") {
			t.Errorf("%s says %q", what, said)
		}
	}
	if len(reached) > 0 {
		t.Errorf("the other origin was reached %d times", len(reached))
	}
}
