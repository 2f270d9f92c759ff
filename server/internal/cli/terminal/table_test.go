package terminal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/cli/terminal"
)

func TestColumnsAreAlignedWhateverTheColourAndTheScript(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := terminal.WriteTable(&out, [][]string{{"NAME", "STATUS", "N"}, {"注文", terminal.Paint(true, terminal.Bad, "FAILURE"), "1"}, {"order", "OK", "23"}})
	if want := "NAME   STATUS   N\n注文   \x1b[31mFAILURE\x1b[0m  1\norder  OK       23\n"; err != nil || out.String() != want {
		t.Errorf("the table is\n%s(%v), want\n%s", out.String(), err, want)
	}
}

func TestTimesAreToldFromNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0: "now", 999 * time.Millisecond: "now", 59 * time.Second: "59 s ago", 61 * time.Second: "1 min ago", 47 * time.Hour: "47 h ago",
		72 * time.Hour: "3 days ago", -2 * time.Minute: "in 2 min", -time.Millisecond: "in 0 s",
	} {
		if got := terminal.Ago(now, now.Add(-ago)); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}
