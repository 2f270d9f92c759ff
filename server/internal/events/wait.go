package events

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// The shortest and the longest wait for an event (docs/protocol/triggers.md §3.6).
const (
	ShortestWait = 10 * time.Second
	LongestWait  = 365 * 24 * time.Hour
)

// maximumWaitURL is the longest URL that can receive an event, in bytes.
const maximumWaitURL = 8 << 10

// NewWait is a wait for an event to be.
type NewWait struct {
	// URL is called with the event.
	URL string
	// Names are those of the event, of which it must have one; Source is empty for
	// the default one.
	Names  []string
	Source string
	// PayloadFilter and ContextFilter are event filters; nil matches everything.
	PayloadFilter, ContextFilter []byte
	// AccountID is the caller's identifier of the account that the event must be
	// of; empty for any and none.
	AccountID string
	Timeout   time.Duration
}

// check returns a [model.Invalid] error that says what is wrong, if anything.
func (w NewWait) check() error {
	switch {
	case w.URL == "":
		return model.Errorf(model.Invalid, "url is missing")
	case len(w.URL) > maximumWaitURL:
		return model.Errorf(model.Invalid, "url must have at most %d bytes, not %d", maximumWaitURL, len(w.URL))
	case len(w.Names) == 0:
		return model.Errorf(model.Invalid, "name is missing")
	case w.Timeout < ShortestWait || w.Timeout > LongestWait:
		return model.Errorf(model.Invalid, "timeoutInSeconds must be between %.0f and %.0f, not %.0f",
			ShortestWait.Seconds(), LongestWait.Seconds(), w.Timeout.Seconds())
	}
	for _, name := range w.Names {
		if err := checkName(model.LimitEventName, "name", name); err != nil {
			return err
		}
	}
	if err := checkName(model.LimitEventSource, "source", w.Source); err != nil {
		return err
	}
	if err := checkName(model.LimitAccountID, "accountId", w.AccountID); err != nil {
		return err
	}
	if _, err := filter.ParseRule(w.PayloadFilter, w.ContextFilter); err != nil {
		return model.Errorf(model.Invalid, "filter: %v", err)
	}
	return nil
}

// WaitForEvent has a URL receive the first event from now on that a wait
// describes, and returns the wait's id. A URL has one wait in an environment at a
// time: while there is one, asking again returns its id and changes nothing. The
// wait of a task that has its callback is recorded no more. The error is
// [model.Invalid] if the wait or its URL is not as it must be.
func (s *Service) WaitForEvent(ctx context.Context, environment *model.Environment, w NewWait) (id string, err error) {
	if err := w.check(); err != nil {
		return "", err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		id = model.NewID(model.PrefixDispatcher, tx.Now())
		task, waiting, err := s.config.Tasks.TaskOfCallback(tx, environment.ID, w.URL)
		if err != nil || task.ID != "" && !waiting {
			return err
		}
		if task.ID == "" {
			if err := s.config.CheckURL(w.URL, environment.Type); err != nil {
				return model.Errorf(model.Invalid, "url: %v", err)
			}
		}
		existing, found, err := tx.Dispatcher(environment.ID, w.target(task))
		if err != nil {
			return err
		}
		if found {
			id = existing.ID
			return nil
		}
		return s.insertWait(tx, environment, w, w.target(task), model.EventWait{ID: id, URL: w.URL, RunID: task.RunID, TaskID: task.ID})
	})
	return id, err
}

// target returns the target of the dispatcher of a wait: the task that waits, or what
// stands for the URL of others. Targets stand in indexes, where a URL may be too long.
func (w NewWait) target(task model.Task) string {
	if task.ID != "" {
		return "task_" + task.ID
	}
	sum := sha256.Sum256([]byte(w.URL))
	return "url_" + hex.EncodeToString(sum[:])
}

func (s *Service) insertWait(tx *store.Tx, environment *model.Environment, w NewWait, target string, wait model.EventWait) error {
	accountID, _, err := accountOf(tx, environment, w.AccountID)
	if err != nil {
		return err
	}
	names := slices.Sorted(slices.Values(w.Names))
	d := model.Dispatcher{
		ID: wait.ID, EnvironmentID: environment.ID, Kind: model.DispatchWait, TargetID: target,
		Names: slices.Compact(names), Source: w.Source, PayloadFilter: w.PayloadFilter, ContextFilter: w.ContextFilter,
		AccountID: accountID, Enabled: true,
	}
	if d.Source == "" {
		d.Source = model.DefaultSource
	}
	if err := tx.SaveDispatcher(d); err != nil {
		return fmt.Errorf("record the dispatcher of a wait: %w", err)
	}
	over := tx.Now().Add(w.Timeout)
	tx.AfterCommit(func() { s.waits.Wake(over) })
	return tx.InsertEventWait(wait, over)
}

// endWaits has those of the waits that have had no event yet end with one that is
// on record.
func (s *Service) endWaits(tx *store.Tx, ids []string, event model.Event) error {
	ended, err := tx.EndWaitsWith(ids, event.ID)
	if err != nil || ended == 0 {
		return err
	}
	if event.DeliveredAt.IsZero() {
		if err := tx.MarkDelivered(event.ID); err != nil {
			return err
		}
	}
	tx.AfterCommit(s.WakeWaits)
	return tx.Signal(store.SignalWaits)
}
