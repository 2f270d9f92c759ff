package quota_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/quota"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var production = &model.Environment{ID: "env_production", Type: protocol.Production}

// bench is a quota whose environments have as much as the test says.
type bench struct {
	*quota.Quota
	clock         *harness.Clock
	log           strings.Builder
	waiting, kept int64
	counts        int
}

func newBench(config quota.Config) *bench {
	b := &bench{clock: harness.NewClock()}
	config.Clock, config.Log = b.clock, slog.New(slog.NewTextHandler(&b.log, nil))
	config.CountWaiting = func(context.Context, string, int64) (int64, error) { b.counts++; return b.waiting, nil }
	config.CountKept = func(context.Context, string, int64) (int64, error) { b.counts++; return b.kept, nil }
	b.Quota = quota.New(config)
	return b
}

// busy fails the test unless the error is a refusal that says a text and when to try again.
func (b *bench) busy(t *testing.T, err error, says string) {
	t.Helper()
	var refused *model.Error
	if !errors.As(err, &refused) || refused.Code != model.Busy || !strings.Contains(refused.Message, says) || !refused.Again.After(b.clock.Now()) {
		t.Errorf("the error is %v, want one that says %q and when to try again", err, says)
	}
}

func TestAURLTakesOnlySoManyRequestsPerSecond(t *testing.T) {
	t.Parallel()
	b := newBench(quota.Config{PerSecond: 2})
	for range 20 {
		if err := b.Knock(t.Context(), production, "a"); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		b.busy(t, b.Knock(t.Context(), production, "a"), "--max-request-rate")
	}
	if err := b.Knock(t.Context(), production, "b"); err != nil {
		t.Errorf("another URL is refused: %v", err)
	}
	b.clock.Advance(time.Second)
	for range 2 {
		if err := b.Knock(t.Context(), production, "a"); err != nil {
			t.Errorf("a second later: %v", err)
		}
	}
	b.clock.Advance(time.Minute)
	for range 121 {
		_ = b.Knock(t.Context(), production, "a")
	}
	if lines := strings.Count(b.log.String(), "\n"); lines != 2 || !strings.Contains(b.log.String(), "count=50") {
		t.Errorf("the log has %d lines, want one a minute with the sum: %s", lines, b.log.String())
	}
}

func TestAnEnvironmentHasBudgetsOfRequests(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	for name, test := range map[string]struct {
		config quota.Config
		have   func(b *bench, bytes int64)
		says   string
	}{
		"that wait":     {quota.Config{Waiting: 16 * mebibyte}, func(b *bench, bytes int64) { b.waiting = bytes }, "--max-waiting-requests"},
		"that are kept": {quota.Config{Kept: 16 * mebibyte}, func(b *bench, bytes int64) { b.kept = bytes }, "--max-kept-requests"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(test.config)
			test.have(b, 10*mebibyte)
			for range 6 {
				if err := b.Take(t.Context(), production, mebibyte); err != nil {
					t.Fatal(err)
				}
			}
			b.busy(t, b.Take(t.Context(), production, mebibyte), test.says)
			b.busy(t, b.Knock(t.Context(), production, "a"), test.says)
			if err := b.Take(t.Context(), &model.Environment{ID: "env_other"}, 1); err != nil {
				t.Errorf("another environment is refused: %v", err)
			}
			counted := b.counts
			test.have(b, 0)
			for range 100 {
				_ = b.Knock(t.Context(), production, "a")
			}
			if b.counts != counted {
				t.Errorf("refusals counted %d times: they must cost the database nothing", b.counts-counted)
			}
			b.clock.Advance(time.Minute)
			if err := b.Take(t.Context(), production, mebibyte); err != nil {
				t.Errorf("once there is room: %v", err)
			}
		})
	}
}
