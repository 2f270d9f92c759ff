package demo

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/runhook/runhook"
)

// staged is how many files, the first ones, wait for the kill where it is to
// meet them. Each that is held keeps one of the server's executions busy.
const staged = 64

// ledger is what the demo itself knows about each file's run: what the app
// executed, and which notifications came. It may be used concurrently.
type ledger struct {
	screen *screen

	mu    sync.Mutex
	files []*file
	// crash is set until the server has been killed.
	crash bool
	// atRest is closed when every staged run is where the kill is to meet it.
	atRest chan struct{}
	// allNotified is closed when every file has a notification.
	allNotified chan struct{}
	notified    int
	// changes counts what happened, so that a standstill can be noticed.
	changes int
	busy    int // functions of tasks being executed and not held
	// executing counts the executions in progress; idle, once the server has been
	// killed, is closed when there are none.
	executing int
	idle      chan struct{}
}

// file is a file of the demo with all that became of it. Its fields below path
// are guarded by the ledger.
type file struct {
	number int
	path   string
	name   string // for people

	runID         string
	tasks         map[string]*taskRecord
	place         place
	executions    int
	slept         bool
	result        *report
	failedTask    string
	failure       string
	notifications []notification
}

// place is where a run is, as the app sees it.
type place int

const (
	moving   place = iota
	inTask         // held inside a task
	sleeping       // in the wait
	ended          // the job returned
)

func newLedger(files []*file, crash bool, s *screen) *ledger {
	l := &ledger{screen: s, files: files, crash: crash, atRest: make(chan struct{}), allNotified: make(chan struct{})}
	for _, f := range files {
		f.tasks = map[string]*taskRecord{}
		for _, key := range taskKeys {
			f.tasks[key] = &taskRecord{}
		}
	}
	return l
}

// accepted notes that the server has taken a run on.
func (l *ledger) accepted(f *file, runID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.runID = runID
	l.event(plain, "run", "accepted", f.name, runID)
}

// enter notes that a run is executed, for the first time or again.
func (l *ledger) enter(number int) (*file, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number < 0 || number >= len(l.files) {
		return nil, fmt.Errorf("the demo has no file number %d", number)
	}
	f := l.files[number]
	l.executing++
	f.executions++
	f.place = moving
	if f.executions == 1 {
		return f, nil
	}
	var known []string
	for _, key := range taskKeys {
		if f.tasks[key].done {
			known = append(known, key)
		}
	}
	l.event(plain, "run", "resumes", f.name, "done before: "+strings.Join(known, ", "))
	return f, nil
}

// leave notes that an execution is over.
func (l *ledger) leave(f *file, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.executing--
	if l.idle != nil && l.executing == 0 {
		close(l.idle)
		l.idle = nil
	}
	if errors.Is(err, runhook.ErrSuspended) {
		return // asleep, or cut off
	}
	f.place = ended
	l.settle()
}

// asleep notes that a run waits.
func (l *ledger) asleep(f *file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.place = sleeping
	if !f.slept {
		f.slept = true
		l.event(faint, "run", "asleep", f.name, "for "+seconds(pause))
	}
	l.settle()
}

// delivered notes a verified notification.
func (l *ledger) delivered(f *file, n notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.notifications = append(f.notifications, n)
	style := good
	if !n.OK {
		style = warn
	}
	if len(f.notifications) > 1 {
		l.event(bad, "webhook", "repeated", f.name, "another notification for the same run")
		return
	}
	l.event(style, "webhook", "verified", f.name, string(n.Status))
	l.notified++
	if l.notified == len(l.files) {
		close(l.allNotified)
	}
}

// settle closes atRest when the staged runs are all where the kill is to meet
// them. The caller holds the lock.
func (l *ledger) settle() {
	for _, f := range l.files[:min(len(l.files), staged)] {
		if f.place == moving {
			return
		}
	}
	select {
	case <-l.atRest:
	default:
		close(l.atRest)
	}
}

// crashed notes that the server has been killed: nothing is held any more. The
// channel is closed when the executions that it had begun are over.
func (l *ledger) crashed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.crash = false
	idle := make(chan struct{})
	if l.executing == 0 {
		close(idle)
	} else {
		l.idle = idle
	}
	return idle
}

// census counts the runs by where they are.
func (l *ledger) census() map[place]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := map[place]int{}
	for _, f := range l.files {
		count[f.place]++
	}
	return count
}

// progress returns how many files have a notification, and a number that changes
// whenever something happens or is being worked on.
func (l *ledger) progress() (notified, changes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy > 0 {
		l.changes++
	}
	return l.notified, l.changes
}

func (l *ledger) event(style style, who, what, name, detail string) {
	l.changes++
	l.screen.event(style, who, what, name, detail)
}
