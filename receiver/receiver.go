package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/runhook/runhook/protocol"
)

// New returns a handler that calls handle for every notification it is sent.
// Payload is the type of what the job was invoked with and Output of what it
// returned; [json.RawMessage] takes anything. handle's context ends when the sender
// stops waiting, and holds a [Delivery]. handle may be called at the same
// time for different notifications.
//
// The handler answers with JSON: 200 {"ok":true} once handle has returned nil
// or [Config.Seen] knows the notification as handled; otherwise {"error":"..."}
// with 400 (a header or the body cannot be read), 401 (unsigned, stale or
// wrongly signed), 405 (not a POST), 409 (another delivery of the same
// notification is being handled), 413 (larger than [Config.MaxBody]) or 500
// (handle returned an error or panicked, or Config.Seen failed).
//
// The error of New names the field of config that is wrong.
func New[Payload, Output any](
	config Config,
	handle func(ctx context.Context, n protocol.RunNotification[Payload, Output]) error,
) (http.Handler, error) {
	if handle == nil {
		return nil, errors.New("receiver: the function that handles notifications is nil")
	}
	verifier, err := NewVerifier(config)
	if err != nil {
		return nil, err
	}
	return &handler{
		verifier: verifier,
		decode: func(body []byte) (call, error) {
			var n protocol.RunNotification[Payload, Output]
			if err := json.Unmarshal(body, &n); err != nil {
				return call{}, err
			}
			return call{run: n.ID, job: n.Job.ID, ended: n.CompletedAt.Time, handle: func(ctx context.Context) error { return handle(ctx, n) }}, nil
		},
	}, nil
}

// handler is what New returns, apart from the types of output and payload.
type handler struct {
	verifier *Verifier
	decode   func(body []byte) (call, error)
}

// call is a decoded notification, ready to be handed over.
type call struct {
	run, job string
	// ended is when the run ended: a run that is continued ends again, later.
	ended  time.Time
	handle func(ctx context.Context) error
}

// refusal is an error that says what to answer. cause, which may be nil, is
// for the log only.
type refusal struct {
	status  int
	message string
	cause   error
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.message
	}
	return r.message + ": " + r.cause.Error()
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.verifier.config.Now()
	log := h.verifier.config.Logger
	refused := h.receive(w, r, &log)
	if refused == nil {
		answer(w, http.StatusOK, map[string]bool{"ok": true})
		return
	}
	level := slog.LevelWarn
	if refused.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	log.LogAttrs(r.Context(), level, "refused a run notification", slog.Int("status", refused.status),
		slog.Any("err", refused), slog.Int64("duration_ms", h.verifier.config.Now().Sub(start).Milliseconds()))
	if refused.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	answer(w, refused.status, map[string]string{"error": refused.message})
}

// receive does everything but answer. It adds to log what it learns.
func (h *handler) receive(w http.ResponseWriter, r *http.Request, log **slog.Logger) *refusal {
	if r.Method != http.MethodPost {
		return &refusal{status: http.StatusMethodNotAllowed, message: "a run notification is sent by POST, not " + r.Method}
	}
	delivery, err := h.verifier.checkHeader(r.Header)
	if err != nil {
		return refuseUnverified(err)
	}
	body, refused := h.read(w, r)
	if refused != nil {
		return refused
	}
	if err := h.verifier.checkBody(r.Header, body); err != nil {
		return refuseUnverified(err)
	}
	call, err := h.decode(body)
	if err != nil {
		return &refusal{http.StatusBadRequest, "the body is not a run notification of the types this receiver expects: " + err.Error(), nil}
	}
	*log = (*log).With("run", call.run, "job", call.job, "notification", delivery.ID, "attempt", delivery.Attempt)
	return h.handleOnce(withDelivery(r.Context(), delivery), h.seenKey(delivery, call, body), call, *log)
}

// seenKey returns the name under which a delivery is remembered. Where the legacy
// signature is accepted, that is the end of the run: a copy stripped of its webhook
// ID is the same notification, and some senders write the body anew each time.
func (h *handler) seenKey(delivery Delivery, call call, body []byte) string {
	switch {
	case h.verifier.config.AllowLegacy && call.run != "":
		return "run:" + call.run + ":" + call.ended.UTC().Format(time.RFC3339Nano)
	case delivery.ID != "":
		return delivery.ID
	}
	sum := sha256.Sum256(body)
	return "body:" + hex.EncodeToString(sum[:])
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	limit := h.verifier.config.MaxBody
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("the body is larger than %d bytes", limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var overLimit *http.MaxBytesError
	if errors.As(err, &overLimit) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the body could not be read to its end", err}
	}
	return body, nil
}

// handleOnce calls the function unless Seen says that it was called before.
func (h *handler) handleOnce(ctx context.Context, id string, call call, log *slog.Logger) (refused *refusal) {
	seen := h.verifier.config.Seen
	if seen == nil {
		return handle(ctx, call)
	}
	progress, err := seen.Begin(ctx, id)
	switch {
	case err != nil:
		return &refusal{http.StatusInternalServerError, "the receiver could not look up whether it knows this notification", err}
	case progress == Handled:
		return nil
	case progress == InProgress:
		return &refusal{status: http.StatusConflict, message: "another delivery of this notification is being handled"}
	}
	handled := false
	defer func() {
		if err := seen.End(context.WithoutCancel(ctx), id, handled); err != nil {
			// What the function did stands, so the answer stays as it is.
			log.Error("could not record how a run notification was handled", "err", err)
		}
	}()
	refused = handle(ctx, call)
	handled = refused == nil
	return refused
}

func handle(ctx context.Context, call call) (refused *refusal) {
	defer func() {
		if value := recover(); value != nil {
			refused = &refusal{http.StatusInternalServerError, "the receiver failed to handle the notification",
				fmt.Errorf("panic: %v\n%s", value, debug.Stack())}
		}
	}()
	if err := call.handle(ctx); err != nil {
		return &refusal{http.StatusInternalServerError, "the receiver failed to handle the notification", err}
	}
	return nil
}

func refuseUnverified(err error) *refusal {
	status := http.StatusUnauthorized
	if errors.Is(err, ErrMalformed) {
		status = http.StatusBadRequest
	}
	return &refusal{status: status, message: err.Error()}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender is gone: there is nothing to send it to
}
