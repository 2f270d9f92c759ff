// Package retryafter reads the Retry-After header of HTTP answers (RFC 9110,
// section 10.2.3). It is the one reader of that header for the SDK and the server.
//
// It never fails: a value without sense asks for no pause, and one beyond the
// caller's limit, however many digits it has, asks for that limit.
package retryafter

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Parse returns the pause that a value of the header asks for: seconds, which may
// have a fraction, or a date, counted from now. It is between zero and longest;
// zero for a value that is absent, past, or neither.
func Parse(value string, now time.Time, longest time.Duration) time.Duration {
	value = strings.TrimSpace(value)
	// A number out of range is parsed as an infinity.
	seconds, err := strconv.ParseFloat(value, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		if math.IsNaN(seconds) || seconds <= 0 {
			return 0
		}
		if seconds >= longest.Seconds() {
			return longest
		}
		return time.Duration(seconds * float64(time.Second))
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), longest)
}
