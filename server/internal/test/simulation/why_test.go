package simulation

import (
	"context"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	ids "github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs"
	"github.com/runhook/runhook/server/internal/runs/why"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// reasons checks that what is said of a run that does not move is true: that it names
// what can wake the run, and that one of those is what does.
type reasons struct {
	t     *testing.T
	clock *wallClock
	path  string

	mu sync.Mutex
	// known are the runs that had not ended when the last transaction began.
	known []openRun
}

// openRun is a run that has not ended.
type openRun struct {
	id, environment, status, owner string
	number                         int64
}

const openRuns = `SELECT id, environment_id, status, COALESCE(lease_owner, ''), lease_number FROM runs WHERE completed_at IS NULL`

func (r *reasons) open(conn database.Conn) ([]openRun, error) {
	return rows(conn, openRuns, nil, func(o *openRun) []any {
		return []any{&o.id, &o.environment, &o.status, &o.owner, &o.number}
	})
}

// before reads the database as it was before the transaction that is under way.
func (r *reasons) before(fn func(*store.Tx) error) error {
	return store.Inspect(context.Background(), store.Options{URL: "sqlite:" + r.path, Clock: r.clock}, fn)
}

func reasonOf(tx *store.Tx, o openRun) (why.Answer, error) {
	return runs.Why(tx, runs.Process{}, &ids.Environment{ID: o.environment, Type: protocol.Development}, o.id)
}

// ask fails the test for a run that has not ended and of which nothing would wake it.
func (r *reasons) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.before(func(tx *store.Tx) error {
		for _, o := range r.known {
			said, err := reasonOf(tx, o)
			if err != nil {
				return err
			}
			if said.Code != why.Ended && (said.Code == why.Stuck || len(said.WokenBy) == 0) {
				r.t.Errorf("nothing would wake run %s, of which is said: %s", o.id, said.Sentence)
			}
		}
		return nil
	})
	if err != nil {
		r.t.Errorf("ask why runs do not move: %v", err)
	}
}

// watch runs a transaction, and fails the test if it moves a run by what was not said to
// move it.
func (r *reasons) watch(conn database.Conn, fn func() error) error {
	before, err := r.open(conn)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.known = before
	r.mu.Unlock()
	if err := fn(); err != nil {
		return err // and nothing is left of it
	}
	var moved []openRun
	for _, o := range before {
		now := o
		if _, err := database.First(conn, `SELECT status, COALESCE(lease_owner, ''), lease_number FROM runs WHERE id = $1`, []any{o.id}, &now.status, &now.owner, &now.number); err != nil {
			return err
		}
		if now != o {
			moved = append(moved, o)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return r.before(func(tx *store.Tx) error {
		for _, o := range moved {
			if err := r.check(tx, conn, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// check compares what was said of a run before a transaction with what the transaction has
// done to it.
func (r *reasons) check(tx *store.Tx, conn database.Conn, before openRun) error {
	said, err := reasonOf(tx, before)
	if err != nil {
		return err
	}
	var status protocol.RunStatus
	if _, err := database.First(conn, `SELECT status FROM runs WHERE id = $1`, []any{before.id}, &status); err != nil {
		return err
	}
	if status == protocol.RunCanceled { // by a person, at any time
		return nil
	}
	for _, waker := range said.WokenBy {
		did, err := r.did(conn, waker, protocol.RunStatus(before.status), status)
		if err != nil || did {
			return err
		}
	}
	r.t.Errorf("run %s went from %s to %s, of which was said: %s It was to be woken by %+v", before.id, before.status, status, said.Sentence, said.WokenBy)
	return nil
}

// did reports whether a run that went from one status to another was moved by a waker.
func (r *reasons) did(conn database.Conn, waker why.Waker, from, to protocol.RunStatus) (bool, error) {
	switch waker.Kind {
	case why.ByServer: // takes a run that is due, or what another had
		due := waker.At == nil || !waker.At.After(r.clock.Now())
		return due && (from == protocol.RunExecuting || to == protocol.RunExecuting), nil
	case why.ByApp: // answers
		return from == protocol.RunExecuting, nil
	case why.ByTask: // has ended, or is to be executed
		if from != protocol.RunWaitingToContinue || to != protocol.RunWaitingToExecute && to != protocol.RunExecuting {
			return false, nil
		}
		var is string
		_, err := database.First(conn, `SELECT status FROM tasks WHERE id = $1`, []any{waker.ID}, &is)
		changed := protocol.TaskStatus(is) != protocol.TaskWaiting
		return changed, err
	}
	return false, nil
}
