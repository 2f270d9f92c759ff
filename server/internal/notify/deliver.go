package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

const (
	// attemptTimeout bounds an attempt, from dialling to the end of the answer.
	attemptTimeout = 15 * time.Second
	// keptResponse is how much of an answer is kept; drainedResponse is how much
	// is read so that the connection can be used again.
	keptResponse    = 4 << 10
	drainedResponse = 64 << 10
)

// deliver makes one attempt for a notification that is leased to this process,
// and records it.
func (s *Service) deliver(ctx context.Context, n model.Notification) {
	attempt, interrupted := s.attempt(ctx, n)
	transition := s.settle(&n, &attempt, interrupted)
	if attempt.Error != "" {
		s.log.Warn("a notification was not delivered", "notification", n.ID, "run", n.RunID, "attempt", attempt.Number, "err", attempt.Error, "duration_ms", attempt.Duration.Milliseconds(), "next_attempt_at", attempt.NextAttemptAt)
	}
	err := s.record(ctx, func(tx *store.Tx) error {
		if !n.ScheduledAt.IsZero() {
			tx.AfterCommit(func() { s.loop.Wake(n.ScheduledAt) })
		}
		s.tell(tx, n, attempt)
		return tx.EndAttempt(n, transition, attempt)
	})
	switch {
	case errors.Is(err, model.ErrLost):
		s.log.Warn("another process took over a notification while this one was sending it", "notification", n.ID, "run", n.RunID)
	case err != nil:
		s.log.Error("cannot record an attempt; the notification is sent again when this process has restarted", "notification", n.ID, "run", n.RunID, "err", err)
	}
}

// record tries again while the database cannot be reached: the outcome is known
// to nobody else.
func (s *Service) record(ctx context.Context, fn func(*store.Tx) error) error {
	const pause = 250 * time.Millisecond
	for {
		err := s.store.Update(context.WithoutCancel(ctx), fn)
		if !errors.Is(err, database.ErrUnavailable) {
			return err
		}
		timer := s.clock.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// settle moves the counters and the schedule of a notification past an attempt,
// and returns the transition it takes.
func (s *Service) settle(n *model.Notification, attempt *model.NotificationAttempt, interrupted bool) model.NotificationTransition {
	now := s.clock.Now()
	n.Attempts++
	switch {
	case attempt.Error == "":
		n.ScheduledAt = time.Time{}
		return model.NotificationReceived
	case interrupted:
		n.ScheduledAt = now
		attempt.NextAttemptAt = now
		return model.NotificationRetried
	case attempt.Cause == model.AttemptResend:
		attempt.NextAttemptAt = n.ScheduledAt
		return model.NotificationRetried
	}
	n.ScheduledAttempts++
	pause, ok := pauseBefore(n.ScheduledAttempts, s.config.Random())
	if !ok {
		n.ScheduledAt = time.Time{}
		return model.NotificationGivenUp
	}
	n.ScheduledAt = now.Add(pause)
	attempt.NextAttemptAt = n.ScheduledAt
	return model.NotificationRetried
}

// attempt sends a notification once. interrupted is set when this process cut
// the attempt off itself.
func (s *Service) attempt(ctx context.Context, n model.Notification) (attempt model.NotificationAttempt, interrupted bool) {
	started := s.clock.Now()
	attempt = model.NotificationAttempt{Number: n.Attempts + 1, Cause: model.AttemptScheduled, StartedAt: started}
	if n.Resend {
		attempt.Cause = model.AttemptResend
	}
	sent, err := s.send(ctx, n, attempt.Number)
	attempt.Duration = s.clock.Now().Sub(started)
	attempt.HTTPStatus, attempt.Response = sent.status, sent.body
	if err != nil {
		attempt.Error = err.Error()
	}
	return attempt, err != nil && errors.Is(context.Cause(ctx), errStopping)
}

// answer is what a receiver answered.
type answer struct {
	status int
	body   string
}

// send makes the request; any error means that it was not delivered.
func (s *Service) send(ctx context.Context, n model.Notification, number int) (answer, error) {
	environment, err := s.store.EnvironmentByID(ctx, n.EnvironmentID)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, attemptTimeout, fmt.Errorf("the receiver took longer than %v", attemptTimeout))
	defer cancel()
	if n.EndpointID != "" {
		return s.tellApp(ctx, environment, n)
	}
	if handled, err := s.config.CallBack(ctx, n.URL, n.Body); handled {
		if err != nil {
			return answer{}, fmt.Errorf("complete the task that waits for this run: %w", err)
		}
		return answer{status: http.StatusOK, body: "completed the task that waited for this run"}, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(n.Body))
	if err != nil {
		return answer{}, err
	}
	s.sign(request.Header, environment.APIKey, n, number)
	response, err := s.config.Outgoing.Client(environment.Type).Do(request)
	if err != nil {
		return answer{}, explain(ctx, err)
	}
	defer response.Body.Close()
	return read(ctx, response)
}

// tellApp tells the run's app of its end, for the app's own handlers.
func (s *Service) tellApp(ctx context.Context, environment *model.Environment, n model.Notification) (answer, error) {
	var app model.Endpoint
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		app, _, err = tx.Endpoint(n.EndpointID)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	err = s.config.Caller.RunNotification(ctx, endpoint.Target{
		URL: app.URL, APIKey: environment.APIKey, EnvironmentType: environment.Type, Slug: app.Slug,
	}, n.Body)
	if told, ok := errors.AsType[*endpoint.Error](err); ok {
		return answer{status: told.StatusCode}, err
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK}, nil
}

// sign sets the headers of an attempt: both signatures, under the id and the
// time of this attempt (decisions.md, Standard Webhooks 1.0.0).
func (s *Service) sign(header http.Header, apiKey string, n model.Notification, number int) {
	now := s.clock.Now()
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "Runhook/"+s.config.Version)
	header.Set(protocol.HeaderSignature, protocol.SignBody(apiKey, n.Body))
	header.Set(protocol.HeaderWebhookID, n.ID)
	header.Set(protocol.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	header.Set(protocol.HeaderWebhookSignature, protocol.DerivedWebhookKey(apiKey).Sign(n.ID, now, n.Body))
	header.Set(protocol.HeaderWebhookAttempt, fmt.Sprint(number))
}

// explain prefers our own reason for ending a request to the transport's, and
// leaves out the URL, which may hold a secret in its query and is on record.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

func read(ctx context.Context, response *http.Response) (answer, error) {
	kept, err := io.ReadAll(io.LimitReader(response.Body, keptResponse))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(response.Body, drainedResponse))
	}
	a := answer{status: response.StatusCode, body: readable(kept)}
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		return a, fmt.Errorf("the receiver answered %s; only 2xx counts as delivered", status(response))
	case err != nil:
		return a, fmt.Errorf("read the receiver's answer: %w", explain(ctx, err))
	}
	return a, nil
}

func status(response *http.Response) string {
	if location := response.Header.Get("Location"); location != "" && response.StatusCode >= 300 && response.StatusCode < 400 {
		return fmt.Sprintf("%d with a redirect to %.200s, which is not followed", response.StatusCode, location)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)))
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
	return strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\x00", "\uFFFD")
}
