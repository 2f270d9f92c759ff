package endpoint

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/runhook/runhook/internal/retryafter"
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

// retryAfter returns how long an answer asks to wait, at the most [MaxRetryAfter].
func retryAfter(header http.Header, now time.Time) time.Duration {
	return retryafter.Parse(header.Get("Retry-After"), now, MaxRetryAfter)
}
