package api

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/model"
)

// maximumBody is the largest request body, in bytes. A task's output may be
// 3 MiB and double as an escaped JSON string (docs/protocol/api.md §21.6).
const maximumBody = 16 << 20

// againAfter is when a request that there is no room for may be sent again.
const againAfter = time.Second

// readBody returns the body of a request with a key.
func readBody(r *request) ([]byte, error) { return r.read(r.environment.ID, maximumBody) }

// read returns the body of a request, of at most so many bytes. It is called once
// it is known on behalf of which environment the request is, as the body counts
// against its budget until the request is answered.
func (r *request) read(environmentID string, most int64) ([]byte, error) {
	body, err := r.room.Read(r.Context(), environmentID, r.Body, r.ContentLength, most)
	if err == nil {
		r.body = body
		return body.Bytes, nil
	}
	var tooLarge *intake.TooLargeError
	var busy *intake.BusyError
	switch {
	case errors.As(err, &tooLarge):
		return nil, model.Errorf(model.TooLarge, "The request body is larger than the %s that are allowed", bytesInWords(tooLarge.Most))
	case errors.As(err, &busy) && busy.OfGroup:
		return nil, r.api.noRoom(r, err, model.Busy, "As many bytes of requests of this environment are being worked on as there may be; try again")
	case errors.As(err, &busy):
		return nil, r.api.noRoom(r, err, model.Unavailable, "As many bytes of requests are being worked on as there may be; try again")
	case errors.Is(err, intake.ErrSpool):
		return nil, r.api.noRoom(r, err, model.Unavailable, "The request body cannot be kept while it arrives; try again")
	case errors.Is(err, os.ErrDeadlineExceeded): // which ends the request's context, too
		return nil, model.Errorf(model.Slow, "The request body came too slowly")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, model.Errorf(model.CutOff, "The request body was cut off")
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	}
	return nil, model.Errorf(model.Invalid, "The request body could not be read: %v", errors.Unwrap(err))
}

// noRoom returns the refusal of a request that there is no room for, and logs that
// there is none, though not for each of many.
func (a *API) noRoom(r *request, err error, code model.Code, message string) error {
	now := a.Clock.Now()
	if a.overloadLog.due(now) {
		a.Log.Warn("request bodies are refused", "method", r.Method, "path", redactedPath(r.Request), "address", a.clientAddress(r.Request), "err", err)
	}
	return &model.Error{Code: code, Message: message, Again: now.Add(againAfter)}
}

// seldom says when something that happens often is to be logged. The zero value has
// never been.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(now time.Time) bool {
	const pause = 10 * time.Second
	last := s.last.Load()
	return now.UnixNano()-last >= int64(pause) && s.last.CompareAndSwap(last, now.UnixNano())
}

func bytesInWords(n int64) string {
	const mebibyte = 1 << 20
	if n >= mebibyte && n%mebibyte == 0 {
		return fmt.Sprintf("%d MiB", n/mebibyte)
	}
	return fmt.Sprintf("%d bytes", n)
}
