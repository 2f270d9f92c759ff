package apps_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// invocation invokes a job in the background, and gives the answer.
func invocation(c *harness.Client, path string) <-chan harness.Answer {
	answer := make(chan harness.Answer, 1)
	go func() { answer <- c.Do("POST", path, `{}`) }()
	return answer
}

// heldIndex has an app answer INDEX_ENDPOINT only when release is called; asked
// receives when it was asked.
func heldIndex(app *harness.App) (asked <-chan struct{}, release func()) {
	arrived, let := make(chan struct{}, 16), make(chan struct{})
	app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
		arrived <- struct{}{}
		<-let
		return harness.JSON(harness.Index(harness.Job("job", "1.0.0")))
	})
	return arrived, func() { close(let) }
}

func TestAnInvocationOfAnUnknownJobWaitsForAnIndexingThatIsUnderWay(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: reachable})
		for _, kind := range []protocol.EnvironmentType{protocol.Development, protocol.Production} {
			for _, path := range []string{"/api/v1/jobs/job/invoke", "/api/runhook/v1/jobs/job/test"} {
				c := s.As(s.Key(kind).Secret)
				app := harness.NewUnregisteredApp(t, s)
				asked, release := heldIndex(app)
				c.OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL}, nil)
				<-asked
				answer := invocation(c, path)
				s.Wait("the invocation to wait", func() bool { return s.Clock.Timers(250*time.Millisecond) > 0 })
				release()
				if got := <-answer; got.Status != 200 {
					t.Errorf("%s in %s is answered %d %s", path, kind, got.Status, got.Body)
				}
				c.OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
			}
		}
	})
}

func TestAnInvocationOfAnUnknownJobWaitsForNoMoreThanTenSeconds(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	asked, release := heldIndex(app)
	defer release()
	s.Development().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL}, nil)
	<-asked
	answer := invocation(s.Development(), "/api/v1/jobs/other/invoke")
	s.Wait("the invocation to wait", func() bool { return s.Clock.Timers(250*time.Millisecond) > 0 })
	s.Clock.Advance(10*time.Second - time.Millisecond)
	s.Wait("the invocation to wait on", func() bool { return s.Clock.Timers(time.Millisecond) > 0 })
	s.Clock.Advance(time.Millisecond)
	if got := <-answer; got.Status != 404 {
		t.Errorf("it is answered %d %s", got.Status, got.Body)
	}
}

func TestAnInvocationInDEVELOPMENTWaitsForAnAppToBeRegistered(t *testing.T) {
	t.Parallel()
	clock := harness.NewClock()
	options := harness.Options{Database: harness.Postgres(t), Clock: clock, Adjust: func(c *server.Config) { c.AppPatience = 0 }}
	s := harness.Start(t, options)
	other := harness.Start(t, options)
	app := harness.NewUnregisteredApp(t, other)
	answer := invocation(s.Development(), "/api/v1/jobs/job/invoke")
	s.Wait("the invocation to wait", func() bool { return clock.Timers(250*time.Millisecond) > 0 })
	app.Register(other.Development(), "app")
	s.Wait("the invocation to be answered", func() bool {
		clock.Poke()
		return len(answer) > 0
	})
	if got := <-answer; got.Status != 200 {
		t.Errorf("it is answered %d %s", got.Status, got.Body)
	}

	answer = invocation(s.Development(), "/api/v1/jobs/other/invoke")
	s.Wait("the invocation to wait", func() bool { return clock.Timers(250*time.Millisecond) > 0 })
	clock.Advance(server.DefaultAppPatience)
	if got := <-answer; got.Status != 404 {
		t.Errorf("that of a job that no app has is answered %d %s", got.Status, got.Body)
	}
	if got := s.As(s.Key(protocol.Production).Secret).Do("POST", "/api/v1/jobs/job/invoke", `{}`); got.Status != 404 {
		t.Errorf("in PRODUCTION, where nothing is indexed, it is answered %d %s", got.Status, got.Body)
	}
}
