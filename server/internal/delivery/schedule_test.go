package delivery_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/delivery"
)

func TestTheScheduleIsTwelveAttemptsOverThreeDays(t *testing.T) {
	t.Parallel()
	var total time.Duration
	for _, pause := range delivery.Schedule {
		total += pause
	}
	if len(delivery.Schedule) != 12 || total != 75*time.Hour+42*time.Minute+35*time.Second {
		t.Errorf("the schedule is %d attempts over %v", len(delivery.Schedule), total)
	}
}
