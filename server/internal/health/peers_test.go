package health_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/health"
)

func TestEachPeerThatFailsIsLoggedOnceAMinuteForEachWayToFailAndOnceWhenItWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, m, log := watched(0.5)
		apps := m.Peers("an app")
		for range 90 {
			apps.Failed("one", health.Unreachable, errAway, "endpoint", "one")
			apps.Failed("two", health.Unreachable, errAway, "endpoint", "two")
			time.Sleep(time.Second)
		}
		if lines := strings.Count(log.String(), "an app cannot be reached"); lines != 4 || !strings.Contains(log.String(), "failures=60") {
			t.Errorf("90 s of two apps are %d lines, want 4:\n%s", lines, log)
		}
		log.Reset()
		m.Peers("an app").Works("one", "endpoint", "one")
		apps.Works("one", "endpoint", "one")
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "can be reached again") || !strings.Contains(text, "endpoint=one failures=90 duration_ms=90000") {
			t.Errorf("that one is back is logged as\n%s", text)
		}
		log.Reset()
		for range 90 {
			apps.Failed("three", health.Erring, errAway, "endpoint", "three")
			apps.Failed("three", health.Unreachable, errAway, "endpoint", "three")
			time.Sleep(time.Second)
		}
		apps.Failed("three", health.Erring, errAway, "endpoint", "three")
		apps.Works("three", "endpoint", "three")
		for message, lines := range map[string]int{"an app answers with errors": 2, "an app cannot be reached": 2, "an app answers without errors again": 1} {
			if got := strings.Count(log.String(), message); got != lines {
				t.Errorf("%q is logged %d times, want %d:\n%s", message, got, lines, log)
			}
		}
	})
}
