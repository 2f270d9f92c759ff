package fetch

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// resetFormat reads how long it is from now until a rate limit is over. The
// result may be negative. It returns false for text it cannot read.
type resetFormat func(text string, now time.Time) (time.Duration, bool)

var resetFormats = map[string]resetFormat{
	"unix_timestamp":                   unixTime(time.Second),
	"unix_timestamp_in_ms":             unixTime(time.Millisecond),
	"iso_8601":                         dateTime,
	"iso_8601_duration_openai_variant": durationText,
}

func unixTime(unit time.Duration) resetFormat {
	return func(text string, now time.Time) (time.Duration, bool) {
		number, ok := parseNumber(strings.TrimSpace(text))
		if !ok {
			return 0, false
		}
		elapsed := float64(now.UnixMicro()) * float64(time.Microsecond)
		return toDuration(number*float64(unit) - elapsed), true
	}
}

func dateTime(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Sub(now), true
		}
	}
	at, err := http.ParseTime(text)
	return at.Sub(now), err == nil
}

var durationPattern = regexp.MustCompile(`^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$`)

// durationText reads text such as 1d2h3m4.5s6ms.
func durationText(text string, _ time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	parts := durationPattern.FindStringSubmatch(text)
	if text == "" || parts == nil {
		return 0, false
	}
	total := 0.0
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond} {
		if number, ok := parseNumber(parts[i+1]); ok {
			total += number * float64(unit)
		}
	}
	return toDuration(total), true
}

// parseNumber reads a number. One with more digits than a float can count is an
// infinity, which toDuration cuts.
func parseNumber(text string) (float64, bool) {
	number, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		return number, true
	}
	return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
}

// toDuration keeps a number of nanoseconds within what a duration can hold.
func toDuration(nanoseconds float64) time.Duration {
	const bound = float64(365 * 24 * time.Hour)
	return time.Duration(min(max(nanoseconds, -bound), bound))
}
