package transport

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/internal/origin"
	"github.com/runhook/runhook/internal/retryafter"
	"github.com/runhook/runhook/protocol"
)

const (
	rateLimitResetIn = "X-Ratelimit-Reset"
	// longestRetryAfter bounds what an answer can ask for.
	longestRetryAfter = time.Hour
)

// ErrUnexpectedAnswer is in the chain of the error for a success whose body is not what
// such a server sends.
var ErrUnexpectedAnswer = errors.New("not as expected")

// permanentError says that repeating a request is of no use.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// isPermanent reports whether repeating a request is of no use for a reason other than
// the server's refusal.
func isPermanent(err error) bool {
	var permanent *permanentError
	return errors.As(err, &permanent)
}

// noAnswer explains a request that was not answered.
func noAnswer(err error) error {
	if refused, ok := origin.Refused(err); ok {
		// Without the URL that net/http adds: a redirect's can hold a secret.
		return &permanentError{fmt.Errorf("%w; if that is the server, set Config.APIURL to it", refused)}
	}
	return fmt.Errorf("no answer from the server: %w", err)
}

// apiError returns the error for an answer other than 200.
func apiError(response *http.Response, body []byte) *protocol.APIError {
	failed := &protocol.APIError{StatusCode: response.StatusCode}
	if location, err := response.Location(); err == nil && response.StatusCode < http.StatusBadRequest {
		// Its path and query may hold a secret.
		failed.Message = fmt.Sprintf("%s redirects to %s, and the client follows no redirects; set Config.APIURL to where the server is",
			origin.Of(response.Request.URL), origin.Of(location))
		return failed
	}
	failed.Message = messageOf(body)
	if reset, err := strconv.ParseInt(response.Header.Get(rateLimitResetIn), 10, 64); err == nil {
		failed.RateLimitReset = time.UnixMilli(reset)
	}
	failed.RetryAfter = retryafter.Parse(response.Header.Get("Retry-After"), time.Now(), longestRetryAfter)
	return failed
}

// messageOf returns what the body of a refusal says: the member error or message of a
// JSON object, or else the beginning of the text.
func messageOf(body []byte) string {
	var object struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &object); object.Error != "" || object.Message != "" {
		return cmp.Or(object.Error, object.Message)
	}
	const enough = 200
	return strings.TrimSpace(string(body[:min(len(body), enough)]))
}
