package retention_test

import (
	"maps"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/retention"
)

func TestAgesAreReadStrictly(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]retention.Ages{
		"":                             {},
		"forever":                      {},
		"DEVELOPMENT=7d":               {protocol.Development: 7 * day},
		"staging=30d, PRODUCTION=365d": {protocol.Staging: 30 * day, protocol.Production: 365 * day},
		"PREVIEW=1h30m":                {protocol.Preview: 90 * time.Minute},
	} {
		if got, err := retention.ParseAges(text); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"7d", "QA=7d", "STAGING", "STAGING=", "STAGING=0d", "STAGING=-1h", "STAGING=soon", "STAGING=1d,staging=2d", "STAGING=7d,"} {
		if got, err := retention.ParseAges(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}
