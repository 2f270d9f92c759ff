package protocol

import (
	"fmt"
	"net/http"
	"time"
)

// APIError is an answer of a server that is not a success, as clients return it.
type APIError struct {
	// StatusCode is the answer's HTTP status.
	StatusCode int
	// Message is what the server says about it.
	Message string
	// RetryAfter is how long the server asks to wait before the next try, an hour at
	// the most; zero if it does not say.
	RetryAfter time.Duration
	// RateLimitReset is when a limit on the rate of requests ends; zero if the server
	// names none.
	RateLimitReset time.Time
}

// Error returns the status and the message.
func (e *APIError) Error() string {
	return fmt.Sprintf("the server answered %d %s: %s", e.StatusCode, http.StatusText(e.StatusCode), e.Message)
}

// Temporary reports whether the same request may succeed later.
func (e *APIError) Temporary() bool {
	return e.StatusCode >= http.StatusInternalServerError || e.StatusCode == http.StatusTooManyRequests
}
