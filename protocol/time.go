package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// TimeLayout is how the protocol writes a time: RFC 3339 in UTC with
// milliseconds.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Dates are those that [TimeLayout] can write, in milliseconds since 1970: the years
// 1 to 9999.
const (
	firstMillisecond = -62_135_596_800_000
	lastMillisecond  = 253_402_300_799_999
)

// Time is a time.Time that travels as [TimeLayout]. The zero value encodes as
// null; use a *Time with omitempty or omitzero where a field may be absent.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t} }

// AtOrNil returns nil for the zero time, else a pointer to t as a Time.
func AtOrNil(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t}
}

// String returns t in [TimeLayout].
func (t Time) String() string { return t.UTC().Format(TimeLayout) }

// MarshalJSON writes t in [TimeLayout], or null if it is zero.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(make([]byte, 0, len(TimeLayout)+2), `"`+TimeLayout+`"`), nil
}

// UnmarshalJSON accepts what a JavaScript client may send for a date: an RFC
// 3339 string, or a number of milliseconds since 1970, in the years 1 to 9999. Null
// leaves t unchanged.
func (t *Time) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if string(b) == "null" {
		return nil
	}
	if len(b) > 0 && b[0] != '"' {
		ms, err := strconv.ParseFloat(string(b), 64)
		if err != nil || math.IsNaN(ms) {
			return fmt.Errorf("%s is not a date: want an RFC 3339 string or milliseconds since 1970", b)
		}
		if ms < firstMillisecond || ms > lastMillisecond {
			return fmt.Errorf("%s is not a date in the years 1 to 9999", b)
		}
		t.Time = time.UnixMicro(int64(ms * 1000)).UTC()
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a date: %w", b, err)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			t.Time = parsed.UTC()
			if year := t.Year(); year < 1 || year > 9999 {
				return fmt.Errorf("%q is not a date in the years 1 to 9999", text)
			}
			return nil
		}
	}
	return fmt.Errorf("%q is not a date in the years 1 to 9999: want RFC 3339, such as 2026-01-31T12:00:00.000Z", text)
}
