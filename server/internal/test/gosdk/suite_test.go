package gosdk

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdksuite"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// real is a real server as the suite sees it.
type real struct{ app *app }

func (s real) api(t *testing.T) *harness.Client {
	return s.app.server.For(t).As(s.app.server.Key(protocol.Staging).Secret)
}

func (s real) Get(t *testing.T, path string, into any) {
	t.Helper()
	s.api(t).OK("GET", path, nil, into)
}

func (s real) Post(t *testing.T, path, key, body string) (int, []byte) {
	t.Helper()
	var headers []string
	if key != "" {
		headers = []string{protocol.HeaderIdempotencyKey, key}
	}
	answer := s.api(t).Do("POST", path, body, headers...)
	return answer.Status, answer.Body
}

func (s real) Advance(d time.Duration) { s.app.server.Clock.Advance(d) }

func (s real) Await(t *testing.T, what string, done func() bool) {
	t.Helper()
	s.app.server.For(t).Wait(what, done)
}

func TestTheServerPassesTheSuiteOfTheSDK(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		sdksuite.Run(t, func(t *testing.T, define func(app *runhook.App), wrap func(http.Handler) http.Handler) sdksuite.Server {
			return real{startWrapped(t, database, define, wrap)}
		})
	})
}
