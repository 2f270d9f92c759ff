package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/internal/retryafter"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/model"
)

const (
	// keptResponse is how much of an answer is kept; drainedResponse is how much
	// is read so that the connection can be used again.
	keptResponse    = 4 << 10
	drainedResponse = 64 << 10
)

// read notes in the attempt what was answered; any status but 2xx is an error.
func read(ctx context.Context, response *http.Response, now time.Time, attempt *model.NotificationAttempt) error {
	body := egress.Unpack(response)
	kept, err := io.ReadAll(io.LimitReader(body, keptResponse))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(body, drainedResponse))
	}
	if undecoded, ok := errors.AsType[*egress.EncodingError](err); ok {
		// Only the status counts.
		kept, err = []byte("("+undecoded.Error()+")"), nil
	}
	attempt.HTTPStatus, attempt.Response = response.StatusCode, readable(kept)
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		attempt.RetryAfter = retryafter.Parse(response.Header.Get("Retry-After"), now, longestRetryAfter).Truncate(time.Millisecond)
		return fmt.Errorf("the receiver answered %s; only 2xx counts as delivered", status(response))
	case err != nil:
		return fmt.Errorf("read the receiver's answer: %w", explain(ctx, err))
	}
	return nil
}

func status(response *http.Response) string {
	if location := response.Header.Get("Location"); location != "" && response.StatusCode >= 300 && response.StatusCode < 400 {
		return fmt.Sprintf("%d with a redirect to %.200s, which is not followed", response.StatusCode, location)
	}
	return response.Status
}

// readable returns what the database can keep as text.
func readable(body []byte) string {
	for i := 0; i < utf8.UTFMax && len(body) == keptResponse; i++ {
		// The cut may have gone through a character.
		if r, size := utf8.DecodeLastRune(body); r != utf8.RuneError || size != 1 {
			break
		}
		body = body[:len(body)-1]
	}
	return model.KeepableText(string(body))
}
