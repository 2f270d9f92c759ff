package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
)

// The pauses between attempts of a request: 100 ms, doubling up to the longest, each with
// some jitter, about four seconds in all.
const (
	defaultAttempts = 7
	firstPause      = 100 * time.Millisecond
	longestPause    = 1150 * time.Millisecond
	pauseJitter     = 50 * time.Millisecond
)

// longestRespected bounds the Retry-After that is waited for: beyond it the caller gets
// the error at once.
const longestRespected = 10 * time.Second

type inRun struct{}

// InRun returns the context of an execution of a run. Its requests do not wait until a
// busy server has room: the execution ends instead, and makes room.
func InRun(ctx context.Context) context.Context { return context.WithValue(ctx, inRun{}, true) }

// IsInRun reports whether a context is that of an execution of a run.
func IsInRun(ctx context.Context) bool { return ctx.Value(inRun{}) != nil }

// retryable reports whether a request is repeated after an error.
func retryable(ctx context.Context, err error) bool {
	var refused *protocol.APIError
	if !errors.As(err, &refused) {
		return !isPermanent(err)
	}
	return refused.StatusCode >= http.StatusInternalServerError ||
		refused.StatusCode == http.StatusTooManyRequests && respectedRetryAfter(refused) > 0 && !IsInRun(ctx)
}

// respectedRetryAfter returns the pause that the server asks for, and zero for one too
// long to wait for.
func respectedRetryAfter(refused *protocol.APIError) time.Duration {
	if refused.RetryAfter > longestRespected {
		return 0
	}
	return refused.RetryAfter
}

// pauseAfter returns the pause after an attempt, counted from 1, that failed with err.
func pauseAfter(attempt int, err error) time.Duration {
	pause := backoff(attempt, longestPause)
	var refused *protocol.APIError
	if errors.As(err, &refused) {
		pause = max(pause, respectedRetryAfter(refused))
	}
	return pause + rand.N(pauseJitter)
}

// backoff returns the pause after so many failures, without jitter.
func backoff(failures int, longest time.Duration) time.Duration {
	return min(firstPause<<min(failures-1, defaultAttempts), longest)
}

// Pause returns after a time, or with ctx's cause when that ends.
func Pause(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
