package sqlite

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Bounds of one group: the first of it must not wait for ever for its commit.
const (
	largestGroup = 512
	longestGroup = 5 * time.Millisecond
)

// writer is the one goroutine that writes.
type writer struct {
	path       string
	connection *connection
	requests   chan *request
	stopped    chan struct{}

	// group are the requests of the open transaction; lost is true once that is
	// gone because of what one of them did.
	group []*request
	lost  bool

	transactions, commits atomic.Int64
	failed                chan struct{}
	cause                 error // of the failed commit, to be read once failed is closed
}

func startWriter(path string, c *connection) *writer {
	w := &writer{
		path: path, connection: c,
		requests: make(chan *request, largestGroup),
		stopped:  make(chan struct{}), failed: make(chan struct{}),
	}
	go w.work()
	return w
}

// close ends the writer once it has answered all requests; no new ones may come.
func (w *writer) close() error {
	close(w.requests)
	<-w.stopped
	_, err := w.connection.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, w.connection.close())
}

// work handles one group after the other. If a function ends the goroutine it
// runs on (runtime.Goexit), another takes over where this one stood.
func (w *writer) work() {
	ended := false
	defer func() {
		if !ended {
			go w.work()
			return
		}
		close(w.stopped)
	}()
	if len(w.group) > 0 {
		w.finish()
	}
	for r := range w.requests {
		w.handle(r)
	}
	ended = true
}

// handle runs the request and those that wait behind it, and commits them.
func (w *writer) handle(first *request) {
	select {
	case <-w.failed:
		first.answer(w.failure())
		return
	default:
	}
	if _, err := w.connection.exec("BEGIN IMMEDIATE"); err != nil {
		first.answer(fmt.Errorf("begin a transaction in %s: %w", w.path, err))
		return
	}
	began := time.Now()
	for r := first; r != nil; r = w.next(began) {
		w.admit(r)
	}
	w.finish()
}

// admit runs a request in the open transaction, if its caller still waits.
func (w *writer) admit(r *request) {
	if !r.turn.CompareAndSwap(false, true) {
		return
	}
	if err := r.ctx.Err(); err != nil {
		r.answer(err)
		return
	}
	w.group = append(w.group, r)
	w.run(r)
}

// next returns a waiting request, or nil if the group is to be committed. The
// goroutines that the last commit has answered get one chance to come back.
func (w *writer) next(began time.Time) *request {
	if w.lost || len(w.group) >= largestGroup || time.Since(began) > longestGroup {
		return nil
	}
	for range 2 {
		select {
		case r := <-w.requests:
			return r
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// finish commits the group and answers it. Even those that failed are answered
// only now: their error may result from what others in the group wrote.
func (w *writer) finish() {
	group, lost := w.group, w.lost
	w.group, w.lost = nil, false
	err := w.commit(lost)
	var kept int64
	for _, r := range group {
		if err == nil && r.succeeded() {
			kept++
		}
	}
	if kept > 0 {
		w.transactions.Add(kept)
		w.commits.Add(1)
	}
	for _, r := range group {
		r.answer(err)
	}
}

// commit ends the transaction. Unless the error says for certain that nothing
// was kept, the database is not to be trusted any more.
func (w *writer) commit(lost bool) error {
	c := w.connection
	if lost {
		if c.inTransaction() {
			c.exec("ROLLBACK")
		}
		return fmt.Errorf("the transaction in %s was undone by the failure of another: %w", w.path, database.ErrUnavailable)
	}
	_, err := c.exec("COMMIT")
	if err == nil {
		return nil
	}
	var result *resultError
	if errors.As(err, &result) && result.certain() {
		if c.inTransaction() {
			c.exec("ROLLBACK")
		}
		return fmt.Errorf("commit to %s, which was rolled back: %w", w.path, err)
	}
	w.cause = err
	close(w.failed)
	return w.failure()
}

// failure is the error of every Update from a failed commit on.
func (w *writer) failure() error {
	return fmt.Errorf("a commit to %s failed, and whether it was kept is not known; "+
		"check the disk and restart: %w", w.path, w.cause)
}

func (r *request) succeeded() bool { return r.err == nil && r.panicked == nil && !r.exited }

// answer ends the caller's wait. An error of the commit takes precedence over the caller's
// own, which may rest on what was not kept.
func (r *request) answer(err error) {
	if err != nil {
		r.err = errors.Join(err, r.err)
	}
	close(r.done)
}
