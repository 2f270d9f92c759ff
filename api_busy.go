package runhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/internal/retryafter"
)

// longestAskedPause bounds how long a server is waited for at its word: whoever
// waits for a request would rather be told than wait for longer.
const longestAskedPause = 10 * time.Second

type suspendsWhenBusy struct{}

// suspendedWhenBusy returns a context for the requests of an execution. They do not
// wait until the server has less to do: the execution ends, and makes room.
func suspendedWhenBusy(ctx context.Context) context.Context {
	return context.WithValue(ctx, suspendsWhenBusy{}, true)
}

// comesAgain reports whether a request is repeated that was refused by a server with
// too much to do: one that has said when to come again, if that is soon.
func comesAgain(ctx context.Context, err error) bool {
	var refused *APIError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusTooManyRequests &&
		refused.pause > 0 && refused.pause <= longestAskedPause && ctx.Value(suspendsWhenBusy{}) == nil
}

// retryAfter returns how long an answer asks to wait, an hour at the most; zero if
// it does not say.
func retryAfter(response *http.Response) time.Duration {
	return retryafter.Parse(response.Header.Get("Retry-After"), time.Now(), time.Hour)
}

// askedPause returns how long the server asked to wait before the request that
// failed is repeated.
func askedPause(err error) time.Duration {
	var refused *APIError
	if errors.As(err, &refused) && refused.pause <= longestAskedPause {
		return refused.pause
	}
	return 0
}
