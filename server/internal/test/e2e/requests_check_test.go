package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// checkRequests checks what the app asked of the server.
func (s *stack) checkRequests(t *testing.T) {
	t.Helper()
	times := map[string]int{}
	for _, e := range s.api.recorded() {
		if e.status != http.StatusOK && !mustBeRefused(e) {
			t.Errorf("a request was refused: %s", e)
		}
		if e.lost || e.status != http.StatusOK || e.method == http.MethodGet {
			continue
		}
		name := e.method + " " + e.path + " " + e.key + " " + e.request
		times[name]++
		if most := s.mostTimes(e); times[name] > most {
			t.Errorf("the SDK did not understand an answer: it made the same request %d times, and its job at most %d times: %s", times[name], most, e)
		}
	}
}

// mustBeRefused knows the requests that the scenarios make to see them refused.
func mustBeRefused(e exchange) bool {
	switch {
	case e.method == http.MethodHead:
		return e.status == http.StatusNotFound && strings.HasPrefix(e.path, "/api/v1/store/")
	case strings.HasPrefix(e.path, "/api/v1/http-endpoints/"):
		return true // as the app answers
	case strings.HasPrefix(e.path, "/api/v2/events/"):
		return e.status == http.StatusNotFound && strings.Contains(e.refused, "Event not found")
	case strings.Contains(e.path, "no-such-"):
		return e.status == http.StatusNotFound
	case strings.HasSuffix(e.path, "/tasks"):
		return strings.Contains(e.refused, "style.style must be") || strings.Contains(e.refused, "delayUntil") || strings.Contains(e.refused, "16 MiB")
	case strings.HasSuffix(e.path, "/complete"):
		// SDK 2.3.19 repeats what was refused; it is answered 429 then, and hands over.
		return (e.status == http.StatusBadRequest || e.status == http.StatusTooManyRequests) && strings.Contains(e.refused, "Output must be less than 3MB")
	case strings.HasSuffix(e.path, "/invoke"):
		return e.status == http.StatusBadRequest && strings.Contains(e.refused, "Idempotency-Key")
	}
	return false
}

// mostTimes is how often a job may have made a request.
func (s *stack) mostTimes(e exchange) int {
	const unlimited = 1 << 30
	switch {
	case strings.HasSuffix(e.path, "/tasks"):
		// Each execution asks for a task once.
		return s.app.relay.executions(e.run)
	case strings.HasSuffix(e.path, "/complete"), strings.HasSuffix(e.path, "/fail"):
		return 1
	case strings.HasSuffix(e.path, "/invoke") && e.key == "":
		return 1
	case strings.Contains(e.path, "/statuses/"):
		return 1
	}
	// Callbacks and invocations with a key may be made again; they have no
	// effect then, which the scenarios check.
	return unlimited
}
