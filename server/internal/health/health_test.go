package health_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/health"
)

var errAway = errors.New("the database is away")

// watched returns a component and the lines that its monitor logs.
func watched(random float64) (*health.Component, *health.Monitor, *bytes.Buffer) {
	var log bytes.Buffer
	m := health.New(health.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Random: func() float64 { return random }})
	return m.Component("runs"), m, &log
}

func TestAFailureIsLoggedAtFirstThenOnceAMinuteAndItsRecoveryOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, m, log := watched(0.5)
		for range 150 {
			c.Failed(errAway)
			time.Sleep(time.Second)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 3 {
			t.Errorf("150 s of failures are logged in %d lines, want 3:\n%s", lines, log)
		}
		if !strings.Contains(log.String(), "failures=121") || !strings.Contains(log.String(), "component=runs") {
			t.Errorf("the lines do not say what fails and how often:\n%s", log)
		}
		if f := m.Failures(); len(f) != 1 || f[0].Component != "runs" || f[0].Count != 150 || f[0].Err != errAway {
			t.Errorf("what fails is %+v", f)
		}
		log.Reset()
		c.Succeeded()
		c.Succeeded()
		if lines := strings.Count(log.String(), "\n"); lines != 1 || len(m.Failures()) != 0 {
			t.Errorf("the recovery is logged in %d lines; %v fail still", lines, m.Failures())
		}
	})
}

func TestWhatFailsAndRecoversInTurnIsLoggedTwiceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, log := watched(0.5)
		for range 120 {
			c.Failed(errAway)
			time.Sleep(500 * time.Millisecond)
			c.Succeeded()
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("a minute of ups and downs is logged in %d lines, want 2:\n%s", lines, log)
		}
	})
}

func TestPausesGrowAndAreSpread(t *testing.T) {
	t.Parallel()
	shortest, _, _ := watched(0)
	longest, _, _ := watched(0.999)
	before := time.Duration(0)
	for i := range 100 {
		least, most := shortest.Failed(errAway), longest.Failed(errAway)
		if least < before || least <= 0 || most < 2*least || most > 7500*time.Millisecond {
			t.Fatalf("failure %d pauses between %v and %v", i, least, most)
		}
		before = least
	}
	if before != 2500*time.Millisecond {
		t.Errorf("the longest pause is at least %v", before)
	}
	shortest.Succeeded()
	if pause := shortest.Failed(errAway); pause != 50*time.Millisecond {
		t.Errorf("after a success the first pause is %v", pause)
	}
}
