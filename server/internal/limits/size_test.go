package limits_test

import (
	"testing"

	"github.com/runhook/runhook/server/internal/limits"
)

func TestSizesHaveUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"536870912": 512 << 20, "512MiB": 512 << 20, "512m": 512 << 20, "512 MB": 512 << 20, "2GiB": 2 << 30, "2Gi": 2 << 30, "1k": 1024, "7b": 7, "0": 0,
	} {
		if got, err := limits.ParseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "plenty", "-1", "1.5GiB", "1x", "99999999999GiB", "MiB", "1 MiB MiB", "1ib1"} {
		if got, err := limits.ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
