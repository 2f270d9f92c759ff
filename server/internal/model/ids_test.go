package model_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

func TestAFirstIDSortsBetweenItsTimeAndWhatWasBefore(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	before, first, after := model.NewID(model.PrefixRun, at.Add(-1e6)), model.FirstID(model.PrefixRun, at), model.NewID(model.PrefixRun, at)
	if !(before < first && first < after) {
		t.Errorf("%s, %s and %s are not in order", before, first, after)
	}
}
