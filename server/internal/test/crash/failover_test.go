package crash

import (
	"net/http"
	"testing"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestNothingIsLostWhenAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	primary := testpostgres.Start(t)
	standby := primary.Standby(t)
	w := newWorld(t, testpostgres.EitherURL(primary, standby), nil, 2)
	l := newLoad(w)
	l.during(t, func() map[string]int {
		l.awaitEnds("before the failover")
		primary.Kill(t)
		l.wait("answers that the database is away", l.isAway)
		standby.Promote(t)
		l.awaitEnds("after the failover")
		// It comes back as what it may: to servers that are connected, and to one
		// that is not.
		primary.RestartReadOnly(t)
		w.kill(0)
		w.startServer(0)
		l.awaitEnds("after the old primary has come back")
		return map[string]int{"failover": 1}
	})
}

// awaitEnds waits until a number of further runs have ended and were reported.
func (l *load) awaitEnds(when string) {
	l.t.Helper()
	const enough = 40
	before := len(l.inbox.keys())
	l.wait("more runs to end "+when, func() bool { return len(l.inbox.keys()) >= before+enough })
}

// isAway asks once, and reports whether the answer is that the database is away. The
// clients may all be waiting for runs to end by then.
func (l *load) isAway() bool {
	request, err := http.NewRequest(http.MethodGet, l.balancer.URL+"/api/runhook/v1/runs", nil)
	if err != nil {
		panic(err) // the URL is a server's
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := l.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return saysAway(response)
}
