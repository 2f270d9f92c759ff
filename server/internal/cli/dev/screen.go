package dev

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/cli/terminal"
	"github.com/runhook/runhook/server/internal/pubsub"
)

const (
	// mostRuns and mostTasks are how many runs' jobs and tasks' names are remembered.
	mostRuns  = 10_000
	mostTasks = 50_000
	clockFor  = "15:04:05"
)

// screen writes lines for people. It may be used concurrently.
type screen struct {
	out    io.Writer
	colour bool

	mu     sync.Mutex // guards what follows, and lines from each other
	column terminal.NameColumn
	// jobs are the jobs of runs, by the runs' ids, and tasks the names of tasks by
	// theirs.
	jobs, tasks map[string]string
}

func newScreen(out io.Writer, colour bool) *screen {
	return &screen{out: out, colour: colour, jobs: map[string]string{}, tasks: map[string]string{}}
}

// print writes a line as it is.
func (s *screen) print(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// say writes a line of this program, with the time. Lines after the first are
// indented.
func (s *screen) say(how terminal.Style, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	first, rest, more := strings.Cut(text, "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s  %s\n", s.styled(terminal.Faint, time.Now().Format(clockFor)), s.styled(how, terminal.Cleaned(first)))
	for more {
		first, rest, more = strings.Cut(rest, "\n")
		fmt.Fprintf(s.out, "%s  %s\n", strings.Repeat(" ", len(clockFor)), s.styled(how, terminal.Cleaned(first)))
	}
}

// row writes a line about a run.
func (s *screen) row(at time.Time, runID string, how terminal.Style, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	job := s.column.Fit(s.jobs[runID])
	// The end of an id differs most from other ids.
	short := runID[max(0, len(runID)-6):]
	fmt.Fprintf(s.out, "%s  %s  %s  %s\n", s.styled(terminal.Faint, at.Local().Format(clockFor)), job, s.styled(terminal.Faint, short), s.styled(how, terminal.Cleaned(text)))
}

func (s *screen) styled(how terminal.Style, text string) string {
	return terminal.Paint(s.colour, how, text)
}

// know makes room for the names of jobs.
func (s *screen) know(j jobs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range j {
		s.column.Widen(id)
	}
}

// knows reports whether the job of a run is known.
func (s *screen) knows(runID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.jobs[runID]
	return ok
}

// learn remembers the job of a run.
func (s *screen) learn(runID, job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.jobs) >= mostRuns {
		clear(s.jobs)
	}
	s.jobs[runID] = job
	s.column.Widen(job)
}

// within stands between the name of a task and that of one inside of it.
const within = " › "

// taskName returns the name of a task, with those of the tasks that it is inside of and,
// in a parallel one, the number of the item; and remembers it.
func (s *screen) taskName(t *pubsub.Task) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tasks) >= mostTasks {
		clear(s.tasks)
	}
	name := cmp.Or(t.Key, t.Name)
	outer, item := s.tasks[t.ParentID], property(t, "Item")
	if outer != "" || item != "" {
		if item != "" {
			outer += "[" + item + "]"
		}
		name = outer + within + name
	}
	s.tasks[t.ID] = name
	return name
}

// cutLast is [strings.Cut] at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}
