package registry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
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

func reindex(c *servertest.Client) (list registered) {
	c.OK("POST", "/api/v1/endpoints/app/index", "{}", nil)
	c.OK("GET", "/api/runhook/v1/endpoints", nil, &list)
	return list
}

func TestAnEndpointMovesOnlyWithinItsOrigin(t *testing.T) {
	t.Parallel()
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		s := servertest.Start(t, servertest.Options{Database: database})
		app := servertest.NewUnregisteredApp(t, s)
		var reached atomic.Int64
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reached.Add(1)
			_, _ = w.Write([]byte(servertest.Index()))
		}))
		defer other.Close()
		app.Register(s.Development(), "app")

		app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) servertest.Reply {
			return servertest.HTTP(http.StatusPermanentRedirect, "", "Location", other.URL+"/there")
		})
		e := reindex(s.Development()).Endpoints[0]
		if e.URL != app.URL || e.LastIndex.Status != "FAILURE" || e.LastIndex.MovedFrom != "" || reached.Load() > 0 ||
			!strings.Contains(e.LastIndex.Error.Message, "another origin, "+other.URL) {
			t.Errorf("after a redirect to another origin, reached %d times: %+v", reached.Load(), e)
		}

		calls := 0
		app.Handle(protocol.ActionIndexEndpoint, func(http.Header, []byte) servertest.Reply {
			if calls++; calls == 1 {
				return servertest.HTTP(http.StatusFound, "", "Location", "/moved?key=1")
			}
			return servertest.JSON(servertest.Index())
		})
		e = reindex(s.Development()).Endpoints[0]
		if want := strings.TrimSuffix(app.URL, "/api/trigger") + "/moved?key=1"; e.URL != want || e.LastIndex.MovedFrom != app.URL {
			t.Errorf("after a redirect within the origin: %+v, want %s", e, want)
		}
	})
}
