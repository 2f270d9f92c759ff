package runhook_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
)

func TestAServerThatHasTooMuchToDoIsAskedAgainWhenItSays(t *testing.T) {
	for name, c := range map[string]struct {
		retryAfter         string
		failures, requests int
		took               time.Duration
		fails              bool
	}{
		"soon":                        {"2", 2, 3, 4 * time.Second, false},
		"at the second that it names": {"Sat, 01 Jan 2000 00:00:02 GMT", 1, 2, 2 * time.Second, false},
		"but not for ever":            {"2", 100, 7, 12 * time.Second, true},
		"and not much later, which is for the caller": {"60", 1, 1, 0, true},
		"and not in years":                            {strings.Repeat("9", 400), 1, 1, 0, true},
		"and not if it does not say":                  {"", 1, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctestRun(t, func(t *testing.T, server *sdktest.Server, app *runhook.App) {
				job := runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(context.Context, none) (none, error) { return none{}, nil })
				server.Fail("/invoke", http.StatusTooManyRequests, c.failures, "Retry-After", c.retryAfter)
				start := time.Now()
				_, err := job.Invoke(t.Context(), none{})
				took := time.Since(start)
				if requests := len(server.Requests()); requests != c.requests || took < c.took || took > c.took+time.Second {
					t.Errorf("made %d requests in %v, want %d in %v", requests, took, c.requests, c.took)
				}
				var refused *runhook.APIError
				if c.fails != (err != nil) || c.fails && (!errors.As(err, &refused) || !refused.Temporary()) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}
