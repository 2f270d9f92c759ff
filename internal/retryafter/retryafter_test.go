package retryafter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/internal/retryafter"
)

func TestParse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const longest = time.Hour
	for value, want := range map[string]time.Duration{
		"":                                       0,
		"7":                                      7 * time.Second,
		" 7 ":                                    7 * time.Second,
		"1.5":                                    1500 * time.Millisecond,
		"0":                                      0,
		"-5":                                     0,
		"soon":                                   0,
		"NaN":                                    0,
		"3600":                                   longest,
		"3601":                                   longest,
		strings.Repeat("9", 18):                  longest,
		strings.Repeat("9", 400):                 longest,
		strings.Repeat("9", 400) + ".5":          longest,
		strings.Repeat("0", 400) + "9":           9 * time.Second,
		"0." + strings.Repeat("0", 400) + "1":    0,
		"-" + strings.Repeat("9", 400):           0,
		"1e999":                                  longest,
		"Fri, 02 Jan 2026 03:04:35 GMT":          30 * time.Second,
		"Friday, 02-Jan-26 03:04:35 GMT":         30 * time.Second,
		"Fri Jan  2 03:04:35 2026":               30 * time.Second,
		"Mon, 02 Jan 2006 15:04:05 GMT":          0,
		"Fri, 31 Dec 9999 23:59:59 GMT":          longest,
		"Fri, 31 Dec 99999 23:59:59 GMT":         0,
		"Fri, 02 Jan 2026 03:04:35 GMT, or 2026": 0,
	} {
		if got := retryafter.Parse(value, now, longest); got != want {
			t.Errorf("Retry-After %.40q asks for %s, want %s", value, got, want)
		}
	}
}
