package apps_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// registered is how an endpoint and its last indexing are listed.
type registered struct {
	Endpoints []struct {
		URL       string
		LastIndex struct {
			Status, MovedFrom string
			Error             struct{ Message string }
		}
	}
}

func reindex(c *harness.Client) (list registered) {
	c.OK("POST", "/api/v1/endpoints/app/index", "{}", nil)
	c.OK("GET", "/api/runhook/v1/endpoints", nil, &list)
	return list
}

func TestAnEndpointMovesOnlyWithinItsOrigin(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewUnregisteredApp(t, s)
		var reached atomic.Int64
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reached.Add(1)
			_, _ = w.Write([]byte(harness.Index()))
		}))
		defer other.Close()
		app.Register(s.Development(), "app")

		app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
			return harness.HTTP(http.StatusPermanentRedirect, "", "Location", other.URL+"/there")
		})
		e := reindex(s.Development()).Endpoints[0]
		if e.URL != app.URL || e.LastIndex.Status != "FAILURE" || e.LastIndex.MovedFrom != "" || reached.Load() > 0 ||
			!strings.Contains(e.LastIndex.Error.Message, "another origin, "+other.URL) {
			t.Errorf("after a redirect to another origin, reached %d times: %+v", reached.Load(), e)
		}

		calls := 0
		app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
			if calls++; calls == 1 {
				return harness.HTTP(http.StatusFound, "", "Location", "/moved?key=1")
			}
			return harness.JSON(harness.Index())
		})
		e = reindex(s.Development()).Endpoints[0]
		if want := strings.TrimSuffix(app.URL, "/api/trigger") + "/moved?key=1"; e.URL != want || e.LastIndex.MovedFrom != app.URL {
			t.Errorf("after a redirect within the origin: %+v, want %s", e, want)
		}
	})
}

func TestAnIndexUnderWayDoesNotUndoARegistration(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		before, after := harness.NewUnregisteredApp(t, s), harness.NewUnregisteredApp(t, s)
		before.Register(s.Development(), "app")
		asked, goOn := make(chan struct{}), make(chan struct{})
		before.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) harness.Reply {
			close(asked)
			<-goOn
			return harness.JSON(harness.Index(harness.Job("of-before", "1.0.0")))
		})
		ended := make(chan harness.Answer)
		go func() { ended <- s.Development().Do("POST", "/api/v1/endpoints/app/index", "{}") }()
		<-asked
		after.Register(s.Development(), "app")
		close(goOn)
		if answer := <-ended; !strings.Contains(string(answer.Body), "FAILURE") || !strings.Contains(string(answer.Body), "registered at another URL") {
			t.Errorf("the index of the app before ended with %s", answer.Body)
		}
		var list registered
		s.Development().OK("GET", "/api/runhook/v1/endpoints", nil, &list)
		if len(list.Endpoints) != 1 || list.Endpoints[0].URL != after.URL {
			t.Errorf("the endpoints are %+v, want one at %s", list.Endpoints, after.URL)
		}
		if jobs := s.Development().Do("GET", "/api/runhook/v1/jobs?slug=of-before", nil); strings.Contains(string(jobs.Body), "of-before") {
			t.Errorf("the job of the app before is kept: %s", jobs.Body)
		}
	})
}
