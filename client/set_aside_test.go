package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/runhook/runhook/client"
)

func TestRowsThatAreSetAsideAreListedAndReleased(t *testing.T) {
	released := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch call := r.Method + " " + r.URL.EscapedPath(); {
		case call == "GET /api/runhook/v1/set-aside":
			_, _ = io.WriteString(w, `{"setAside":[{"kind":"runs","id":"run_1","at":"2026-03-01T10:00:00Z","error":"panic: no luck"}]}`)
		case call == "POST /api/runhook/v1/set-aside/runs/run%2F1/release" && released == 0:
			released++
			_, _ = io.WriteString(w, `{"id":"run/1"}`)
		default:
			http.Error(w, `{"error":"Not found"}`, http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	c := mustNew(t, client.Config{APIKey: "tr_dev_key", APIURL: server.URL})
	for row, err := range c.ListSetAside(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want := client.SetAsideRow{Kind: "runs", ID: "run_1", SetAside: client.SetAside{At: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Error: "panic: no luck"}}
		if *row != want {
			t.Errorf("listed is %+v", row)
		}
	}
	if err := c.ReleaseSetAside(t.Context(), "runs", "run/1"); err != nil {
		t.Error(err)
	}
	var refused *client.APIError
	if err := c.ReleaseSetAside(t.Context(), "runs", "run/1"); !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		t.Errorf("a row that is not set aside is released with %v", err)
	}
}
