package simulation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// model knows what must come of everything that was accepted. It may be used
// concurrently.
type model struct {
	t  *testing.T
	mu sync.Mutex
	// now counts what happens, to order what happens.
	now   int
	runs  map[string]*expected // by run id
	tasks map[string]*taskRecord
	tried map[int]int
	// placed are the ids of events that were accepted.
	placed map[string]bool
}

// expected is a run that was accepted, and what is known of it.
type expected struct {
	id, job string
	order   order
	// canceled is set when someone asked to cancel it: it may end so.
	canceled bool
	// notifications are the notifications that came, by their id.
	notifications map[string]*notification
}

type notification struct {
	body   []byte
	status protocol.RunStatus
	output int
	// accepted is set when the receiver has answered with success.
	accepted bool
}

type taskRecord struct {
	// acknowledged is when the app first knew that its result was recorded; 0 for
	// not yet.
	acknowledged int
	// by is the execution whose result is on record, once that is known.
	by int
}

func newModel(t *testing.T) *model {
	return &model{t: t, runs: map[string]*expected{}, tasks: map[string]*taskRecord{}, tried: map[int]int{}, placed: map[string]bool{}}
}

// tick returns the next moment.
func (m *model) tick() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	return m.now
}

func (m *model) task(number int, key string) *taskRecord {
	id := fmt.Sprint(number, "/", key)
	if m.tasks[id] == nil {
		m.tasks[id] = &taskRecord{}
	}
	return m.tasks[id]
}

// executes notes that a task's function is called, by an execution that began
// at the given moment.
func (m *model) executes(number int, key string, began int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.task(number, key).acknowledged; at > 0 && at < began {
		m.t.Errorf("task %s of order %d is executed again, by an execution that began after its completion was acknowledged", key, number)
	}
}

// acknowledged notes that a task's result is recorded.
func (m *model) acknowledged(number int, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	if task := m.task(number, key); task.acknowledged == 0 {
		task.acknowledged = m.now
	}
}

// remembers notes which execution's result of a task is on record.
func (m *model) remembers(number int, key string, by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	task := m.task(number, key)
	if task.by != 0 && task.by != by {
		m.t.Errorf("the result of task %s of order %d was that of execution %d, and is that of execution %d", key, number, task.by, by)
	}
	task.by = by
}

// attempts counts the attempts of an order's flaky task.
func (m *model) attempts(number int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tried[number]++
	return m.tried[number]
}

// accepted notes that an invocation was answered with a run.
func (m *model) accepted(id, job string, o order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range m.runs {
		if known.order.Number == o.Number && known.id != id {
			m.t.Errorf("order %d was accepted as run %s, and again as run %s", o.Number, known.id, id)
		}
	}
	if m.runs[id] == nil {
		m.runs[id] = &expected{id: id, job: job, order: o, notifications: map[string]*notification{}}
	}
}

// anyRun returns the id of one of the accepted runs, or nothing if there is none.
func (m *model) anyRun(below func(int) int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	runs := slices.SortedFunc(maps.Values(m.runs), func(a, b *expected) int { return cmp.Compare(a.order.Number, b.order.Number) })
	if len(runs) == 0 {
		return ""
	}
	return runs[below(len(runs))].id
}

// cancels notes that a run is about to be canceled.
func (m *model) cancels(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id].canceled = true
}

// receive returns the receiver of all notifications, which refuses some and is slow
// to answer others.
func (m *model) receive(f *faults, g *gate, c *wallClock) (http.Handler, error) {
	verifier, err := receiver.NewVerifier(receiver.Config{APIKey: apiKey, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			m.t.Errorf("read a notification: %v", err)
		}
		if _, err := verifier.Verify(r.Header, body.Bytes()); err != nil {
			m.t.Errorf("verify a notification: %v", err)
		}
		name := "receive " + nameOf(r.Context())
		accept := !f.oneIn(name, 10)
		if f.oneIn(name, 4) {
			g.sleep(name, f.upTo(name, 10*time.Second))
		}
		m.arrived(r.Header.Get(protocol.HeaderWebhookID), body.Bytes(), accept)
		if !accept {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}), nil
}

// arrived records a notification.
func (m *model) arrived(id string, body []byte, accepted bool) {
	var got protocol.RunNotification[order, int]
	if err := json.Unmarshal(body, &got); err != nil {
		m.t.Errorf("notification %s: %v", id, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	run := m.runs[got.ID]
	if run == nil { // accepted, but its client has not heard of it yet
		run = &expected{id: got.ID, job: got.Job.ID, order: got.Invocation.Payload, notifications: map[string]*notification{}}
		m.runs[got.ID] = run
	}
	n := run.notifications[id]
	if n == nil {
		n = &notification{body: bytes.Clone(body), status: got.Status, output: got.Output}
		run.notifications[id] = n
	}
	if !bytes.Equal(n.body, body) {
		m.t.Errorf("notification %s changed from\n%s\nto\n%s", id, n.body, body)
	}
	n.accepted = n.accepted || accepted
}

// sent notes that an event was accepted.
func (m *model) sent(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.placed[id] = true
}

// events returns the ids of the events that were accepted, in order.
func (m *model) events() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.placed))
}

// notified reports whether a notification of a run has come.
func (m *model) notified(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.runs[id].notifications) > 0
}

// pending returns the runs whose notification has not been received.
func (m *model) pending() (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, run := range m.runs {
		delivered := false
		for _, got := range run.notifications {
			delivered = delivered || got.accepted
		}
		if !delivered {
			ids = append(ids, run.job+" "+run.id)
		}
	}
	return ids
}

// check fails the test for whatever is not as it must be by now.
func (m *model) check() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, run := range m.runs {
		if len(run.notifications) > 1 {
			m.t.Errorf("run %s (%s, order %d) was notifications of under %d ids", id, run.job, run.order.Number, len(run.notifications))
		}
		for _, got := range run.notifications {
			run.checkEnd(m.t, got)
		}
	}
}

func (e *expected) checkEnd(t *testing.T, got *notification) {
	status, output := protocol.RunSuccess, e.order.Number
	switch e.job {
	case jobPlain, jobParallel:
		output = e.order.Number * e.order.Steps
	case jobSleeper, jobAsker:
		output = e.order.Number * 2
	case jobParent:
		output = (e.order.Number + childNumber) * e.order.Steps
	case jobFailing:
		status, output = protocol.RunFailure, 0
	}
	switch {
	case e.canceled && got.status == protocol.RunCanceled:
	case got.status != status || got.output != output:
		t.Errorf("run %s (%s, order %d) ended as %s with %d, want %s with %d\n%s", e.id, e.job, e.order.Number, got.status, got.output, status, output, got.body)
	}
}

// finish checks what the server itself says at the end.
func (m *model) finish(ctx context.Context, status func(ctx context.Context, id string) (protocol.RunStatus, error)) {
	m.mu.Lock()
	runs := maps.Clone(m.runs)
	m.mu.Unlock()
	// Not while the lock is held: what waits for it keeps the bubble's time still.
	for _, id := range slices.Sorted(maps.Keys(runs)) {
		run := runs[id]
		got, err := status(ctx, id)
		if err != nil {
			m.t.Errorf("ask for run %s: %v", id, err)
			continue
		}
		m.checkNotifiedStatus(run, got)
	}
}

// checkNotifiedStatus fails the test unless all notifications of a run have its status.
func (m *model) checkNotifiedStatus(run *expected, status protocol.RunStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, got := range run.notifications {
		if status != got.status {
			m.t.Errorf("run %s is %s, but was reported as %s", run.id, status, got.status)
		}
	}
}
