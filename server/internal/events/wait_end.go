package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Tasks are the tasks of runs that wait for a callback. *runs.Engine is one.
type Tasks interface {
	// TaskOfCallback returns the task whose callback URL a URL is, and whether it still
	// waits; an empty task for a URL of others. The environment is that of the caller.
	TaskOfCallback(tx *store.Tx, environmentID, callbackURL string) (task model.Task, waiting bool, err error)
	// CompleteCallback completes a task with JSON. One that no longer waits is left as
	// it is.
	CompleteCallback(tx *store.Tx, taskID string, body []byte) error
}

// Outgoing gives the HTTP client for calls on behalf of an environment.
// *egress.Guard is one.
type Outgoing interface {
	Client(protocol.EnvironmentType) *http.Client
}

const (
	// waitSlots bounds the waits that are being ended.
	waitSlots = 64
	// waitAttempts is how often a URL of others is called before its wait is given
	// up (docs/protocol/execution.md §1.6), and waitCall how long a call may take.
	waitAttempts = 10
	waitCall     = 15 * time.Second
	// offPause is when a wait is looked at again whose environment is switched off.
	offPause = 5 * time.Minute
	// drainedAnswer is how much of an answer is read so that the connection can be
	// used again.
	drainedAnswer = 64 << 10
)

func (s *Service) claimWaits(ctx context.Context, limit int) ([]model.EventWait, time.Time, error) {
	return worker.Claim(ctx, s.config.Node, (*store.Tx).NextDueEventWait, func(tx *store.Tx, owner string) ([]model.EventWait, time.Time, error) {
		return tx.ClaimEventWaits(owner, limit)
	})
}

// endWait ends a wait that is leased to this process: with its event, or without
// one, because its time is over.
func (s *Service) endWait(ctx context.Context, w model.EventWait) {
	defer s.config.Node.Working(store.LeasedWaits, w.ID)()
	log := s.log.With("wait", w.ID, "run", w.RunID, "environment", w.EnvironmentID)
	held := s.config.Texts.Hold(w.EnvironmentID)
	defer held.Release()
	err := s.waitForRoom(ctx, w, held)
	switch {
	case err != nil: // another attempt follows
	case w.TaskID != "":
		err = s.config.Node.Record(ctx, func(tx *store.Tx) error { return s.callTask(tx, w) })
	case s.config.Node.Off(w.EnvironmentID):
		s.settleWait(ctx, w, func(tx *store.Tx, w model.EventWait) error { return tx.RetryEventWait(w, tx.Now().Add(offPause)) })
		return
	default:
		err = s.callURL(ctx, w)
	}
	switch {
	case err == nil, errors.Is(err, model.ErrLeaseLost):
		// Lost: its run ended, its event came at the last moment, or another process
		// has it.
	case model.CodeOf(err) != 0:
		log.Error("a wait for an event ended without its event: no further attempt", "err", err)
		s.settleWait(ctx, w, (*store.Tx).DeleteEventWait)
	default:
		w.Attempts++
		if w.Attempts >= waitAttempts {
			log.Error("a wait for an event has failed: its URL does not take the event; no further attempt", "attempt", w.Attempts, "err", err)
			s.settleWait(ctx, w, (*store.Tx).DeleteEventWait)
			return
		}
		again := s.clock.Now().Add(time.Second << w.Attempts)
		if errors.Is(context.Cause(ctx), loop.ErrStopping) {
			w.Attempts, again = w.Attempts-1, s.clock.Now()
		}
		log.Warn("the URL that waits for an event does not take it; calling it again", "attempt", w.Attempts, "err", err)
		s.settleWait(ctx, w, func(tx *store.Tx, w model.EventWait) error {
			tx.AfterCommit(func() { s.waits.Wake(again) })
			return tx.RetryEventWait(w, again)
		})
	}
}

// waitForRoom waits until the event of a wait may be loaded.
func (s *Service) waitForRoom(ctx context.Context, w model.EventWait, held *budget.Held) error {
	var bytes int64
	err := s.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		bytes, err = tx.WaitBytes(w)
		return err
	})
	if err != nil {
		return err
	}
	return held.Acquire(ctx, bytes)
}

// settleWait records what becomes of a wait that did not end as it should.
func (s *Service) settleWait(ctx context.Context, w model.EventWait, settle func(*store.Tx, model.EventWait) error) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error { return settle(tx, w) })
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		s.log.Error("cannot record the end of a wait; it resumes when this server has restarted", "wait", w.ID, "run", w.RunID, "environment", w.EnvironmentID, "err", err)
	}
}

// callTask completes the task of a wait, in the transaction that removes the wait.
func (s *Service) callTask(tx *store.Tx, w model.EventWait) error {
	body, err := awaited(tx, w)
	if err != nil {
		return err
	}
	// The task first: the transaction that ends a run locks that before it removes its waits.
	if body != nil {
		if err := s.config.Tasks.CompleteCallback(tx, w.TaskID, body); err != nil {
			return err
		}
	}
	return tx.DeleteEventWait(w)
}

// callURL sends the event of a wait to its URL, and removes the wait.
func (s *Service) callURL(ctx context.Context, w model.EventWait) error {
	var body []byte
	err := s.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		if body, err = awaited(tx, w); err != nil {
			return err
		}
		body, err = tx.OpenSecrets(w.EnvironmentID, body)
		return err
	})
	if err == nil && body != nil {
		err = s.post(ctx, w, body)
	}
	if err != nil {
		return err
	}
	return s.config.Node.Record(ctx, func(tx *store.Tx) error { return tx.DeleteEventWait(w) })
}

// awaited returns what a wait's URL receives; nil if it has none.
func awaited(tx *store.Tx, w model.EventWait) ([]byte, error) {
	event, found, err := tx.EventOfWait(w)
	if err != nil || !found {
		return nil, err
	}
	account, err := accountByID(tx, event.AccountID)
	if err != nil {
		return nil, err
	}
	awaited := protocol.AwaitedEvent{
		ID: event.EventID, Source: event.Source, Name: event.Name,
		Payload: event.Payload, Context: event.Context, Timestamp: protocol.At(event.Timestamp),
	}
	if account != nil {
		awaited.AccountID = account.Identifier
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(awaited)
	return bytes.TrimSpace(body.Bytes()), err
}

// post calls the URL of a wait; any error means that it is to be called again.
func (s *Service) post(ctx context.Context, w model.EventWait, body []byte) error {
	environment, err := s.config.Node.Environment(ctx, w.EnvironmentID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, waitCall, fmt.Errorf("the URL took longer than %v", waitCall))
	defer cancel()
	request, err := egress.NewRequest(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return model.Errorf(model.Invalid, "cannot be called: %v", err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	response, err := s.config.Outgoing.Client(environment.Type).Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // without the URL, which may hold a secret
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	// The answer's body says nothing; not reading it only costs the connection.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, drainedAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the URL answered %d; only 2xx counts", response.StatusCode)
	}
	return nil
}
