package endpoint

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// MaxRetryAfter is the longest wait that an endpoint can ask for.
const MaxRetryAfter = 24 * time.Hour

// versions reads what an answer says about the app's SDK. A value that is no
// version is taken as absent: it would be stored and compared.
func versions(header http.Header) Versions {
	return Versions{
		Protocol: version(header.Get(protocol.HeaderVersion)),
		SDK:      version(header.Get(protocol.HeaderSDKVersion)),
	}
}

func version(value string) string {
	const limit = 64
	if len(value) > limit {
		return ""
	}
	for _, char := range value {
		if char <= ' ' || char > '~' {
			return ""
		}
	}
	return value
}

// runMetadata reads which notifications the endpoint wants. A malformed header
// asks for none.
func runMetadata(header http.Header) RunMetadata {
	text := header.Get(protocol.HeaderRunMetadata)
	if text == "" {
		return RunMetadata{}
	}
	var metadata RunMetadata
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		return RunMetadata{}
	}
	return metadata
}

// retryAfter reads a Retry-After header, as seconds or as a date. It returns
// zero if there is none that makes sense.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(seconds) || seconds <= 0 {
			return 0
		}
		return time.Duration(min(seconds, MaxRetryAfter.Seconds()) * float64(time.Second))
	}
	date, err := http.ParseTime(text)
	if err != nil || !date.After(now) {
		return 0
	}
	return min(date.Sub(now), MaxRetryAfter)
}
