package conformance

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// silent is connections over which no answer comes.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
func (silent) CheckURL(string, protocol.EnvironmentType) error { return nil }
func (s silent) Client(protocol.EnvironmentType) *http.Client  { return &http.Client{Transport: s} }

// subscriber is an app that wants to be notified of failures. It is broken once broken
// is set.
type subscriber struct {
	broken   atomic.Bool
	failures atomic.Int32
}

// ServeHTTP implements http.Handler.
func (a *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
	switch protocol.Action(r.Header.Get(protocol.HeaderAction)) {
	case protocol.ActionPing:
		_, _ = io.WriteString(w, `{"ok":true}`)
	case protocol.ActionIndexEndpoint:
		_, _ = io.WriteString(w, harness.Index(harness.Job("subscribed", "1.0.0")))
	case protocol.ActionRunNotification:
		a.failures.Add(1)
		_, _ = io.WriteString(w, `{"ok":true}`)
	default:
		if a.broken.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set(protocol.HeaderRunMetadata, `{"failedSubscription":true}`)
		_, _ = io.WriteString(w, `{"status":"SUCCESS"}`)
	}
}

// filed returns the options of a server that keeps its data in a folder.
func filed(folder string, clock *harness.Clock) harness.Options {
	return harness.Options{Database: "sqlite:" + filepath.Join(folder, "runhook.db"), Clock: clock, Adjust: everywhere}
}

var restarts = harness.Cases{
	"12.1 item 13: what a crashed server was executing is executed by the next": func(t *testing.T, _ *harness.Server, _ *harness.App) {
		before, after := t.TempDir(), filepath.Join(t.TempDir(), "copy")
		clock := harness.NewClock()
		first := harness.Start(t, filed(before, clock))
		app := harness.NewApp(t, first)
		release := make(chan struct{})
		defer close(release)
		id := app.Run(nil, func(*execution) reply {
			<-release
			return harness.Success("")
		}, done)
		first.Wait("the execution", func() bool { return len(app.Executions(id)) == 1 })
		// What is on disk now is all that a crash would leave.
		if err := os.CopyFS(after, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		second := harness.Start(t, filed(after, clock))
		app.Move(second)
		second.Development().WaitRun(id, protocol.RunSuccess)
	},
	"12.1 item 21: a run that a stop asked to yield is not asked again after it has waited": func(t *testing.T, _ *harness.Server, _ *harness.App) {
		folder, clock := t.TempDir(), harness.NewClock()
		first := harness.Start(t, filed(folder, clock))
		app := harness.NewApp(t, first)
		until := clock.Now().Add(time.Hour)
		stopped := make(chan struct{})
		id := app.Run(nil, func(x *execution) reply {
			go func() {
				defer close(stopped)
				first.Stop()
			}()
			first.Wait("the wish to yield", func() bool { return x.Task("a").ForceYield })
			return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(until)))
		}, func(x *execution) reply {
			want(t, "the wish to yield", x.Task("b").ForceYield, false)
			return harness.Success("")
		})
		first.Wait("the execution", func() bool { return len(app.Executions(id)) == 1 })
		<-stopped
		second := harness.Start(t, filed(folder, clock))
		app.Move(second)
		clock.AdvanceTo(until)
		second.Development().WaitRun(id, protocol.RunSuccess)
	},
	"22.1 item B9: what is asked for after the end of a run that a stop asked to yield is not asked to": func(t *testing.T, _ *harness.Server, _ *harness.App) {
		folder, clock := t.TempDir(), harness.NewClock()
		first := harness.Start(t, filed(folder, clock))
		app := harness.NewApp(t, first)
		stopped := make(chan struct{})
		id := app.Run(nil, func(x *execution) reply {
			go func() {
				defer close(stopped)
				first.Stop()
			}()
			first.Wait("the wish to yield", func() bool { return x.Task("a").ForceYield })
			return harness.Success("")
		})
		first.Wait("the execution", func() bool { return len(app.Executions(id)) == 1 })
		<-stopped
		second := harness.Start(t, filed(folder, clock))
		second.Development().WaitRun(id, protocol.RunSuccess)
		late := outside(second, id)
		created := late.Task("late")
		want(t, "the wish to yield", created.ForceYield, false)
		want(t, "the wish to yield of a completed task", late.Complete(created, "1").ForceYield, false)
		want(t, "the wish to yield of one completed before", late.Complete(created, "1").ForceYield, false)
	},
	"12.1 item 50: an app that once asked to be notified of failures is notified of one that brought no answer": func(t *testing.T, s *harness.Server, _ *harness.App) {
		app := &subscriber{}
		web := httptest.NewServer(app)
		t.Cleanup(web.Close)
		s.Development().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "subscriber", URL: web.URL}, nil)
		s.Wait("the indexing", func() bool {
			return s.Development().Do("POST", "/api/v1/jobs/subscribed/invoke", "{}", protocol.HeaderIdempotencyKey, "first").Status == http.StatusOK
		})
		s.Development().WaitRun(s.Development().Invoke("subscribed", "{}", protocol.HeaderIdempotencyKey, "first"), protocol.RunSuccess)
		app.broken.Store(true)
		s.Development().WaitRun(s.Development().Invoke("subscribed", "{}"), protocol.RunFailure)
		s.Wait("the notification", func() bool { return app.failures.Load() > 0 })
	},
	"12.1 item 52: an endpoint that never answers has timed out, after more than any platform allows": func(t *testing.T, _ *harness.Server, _ *harness.App) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			outcome := endpoint.New(endpoint.Config{Outgoing: silent{}}).Execute(context.Background(), endpoint.Target{URL: "http://app.test/"}, []byte("{}"))
			want(t, "the outcome", outcome.Kind, endpoint.TimedOut)
			if took := time.Since(began); took < 15*time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	},
}
