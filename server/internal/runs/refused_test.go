package runs_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// listen serves an app at an address until the returned function is called.
func listen(t *testing.T, address string, app http.Handler) (taken string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: app}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve the app: %v", err)
		}
	}()
	stop = func() {
		web.Close()
		<-done
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func TestAnAppThatNobodyListensForIsTriedAgainUntilItIsBack(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	// No other test listens at this address, so none takes the port meanwhile.
	address, stop := listen(t, "127.0.0.2:0", app)
	app.URL = "http://" + address + "/api/trigger"
	app.Register(s.Development(), "app")
	stop()
	done := harness.NewReceiver(t, s)
	failed := s.Clock.Now()
	id := app.Run(calledBackAt(done), harness.Always(harness.Success("")))
	s.Development().WaitRun(id, protocol.RunWaitingToExecute)
	s.Clock.AdvanceTo(failed.Add(backoff(1) - time.Millisecond))
	s.Development().WaitRun(id, protocol.RunWaitingToExecute)
	listen(t, address, app)
	s.Clock.AdvanceTo(failed.Add(backoff(1)))
	checkEnd(t, done.WaitFor(1).Notification, protocol.RunSuccess, 1, 0)
}

func TestAnAppThatIsNeverBackFailsTheRun(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	address, stop := listen(t, "127.0.0.3:0", app)
	app.URL = "http://" + address + "/api/trigger"
	app.Register(s.Development(), "app")
	stop()
	got := app.End(func(id string) {
		if s.Development().Run(id).Status == protocol.RunWaitingToExecute {
			s.Clock.Advance(20 * time.Second)
		}
	})
	// How long the last try took is up to when the clock was moved.
	if got.Status != protocol.RunFailure || got.ExecutionCount != 1 {
		t.Errorf("the run is %s after %d executions", got.Status, got.ExecutionCount)
	}
	if !strings.HasPrefix(string(got.Error), `{"message":"Connection could not be established to the endpoint (`+app.URL+`)`) {
		t.Errorf("the error is %s", got.Error)
	}
}
