package dev

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// style is how much attention a text calls for.
type style string

// The styles, as the parameters of a terminal's sequences.
const (
	plain style = ""
	faint style = "2"
	good  style = "32"
	warn  style = "33"
	bad   style = "31"
)

const (
	// The column of jobs is as wide as they need, between these.
	shortestJob = 8
	longestJob  = 24
	// longestText is how many characters of a line are shown at the most.
	longestText = 400
	// mostRuns is how many runs' jobs are remembered.
	mostRuns = 10_000
	clockFor = "15:04:05"
)

// screen writes lines for people. It may be used concurrently.
type screen struct {
	out    io.Writer
	colour bool

	mu       sync.Mutex // guards what follows, and lines from each other
	jobWidth int
	// jobs are the jobs of runs, by the runs' ids.
	jobs map[string]string
}

func newScreen(out io.Writer, colour bool) *screen {
	return &screen{out: out, colour: colour, jobWidth: shortestJob, jobs: map[string]string{}}
}

// print writes a line as it is.
func (s *screen) print(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// say writes a line of this program, with the time. Lines after the first are
// indented.
func (s *screen) say(how style, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	first, rest, more := strings.Cut(text, "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s  %s\n", s.styled(faint, time.Now().Format(clockFor)), s.styled(how, cleaned(first)))
	for more {
		first, rest, more = strings.Cut(rest, "\n")
		fmt.Fprintf(s.out, "%s  %s\n", strings.Repeat(" ", len(clockFor)), s.styled(how, cleaned(first)))
	}
}

// row writes a line about a run.
func (s *screen) row(at time.Time, runID string, how style, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	job := fitted(s.jobs[runID], s.jobWidth)
	// The end of an id differs most from other ids.
	short := runID[max(0, len(runID)-6):]
	fmt.Fprintf(s.out, "%s  %s  %s  %s\n", s.styled(faint, at.Local().Format(clockFor)), job, s.styled(faint, short), s.styled(how, cleaned(text)))
}

func (s *screen) styled(how style, text string) string {
	if !s.colour || how == plain {
		return text
	}
	return "\x1b[" + string(how) + "m" + text + "\x1b[0m"
}

// know makes room for the names of jobs.
func (s *screen) know(j jobs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range j {
		s.jobWidth = max(s.jobWidth, min(columns(id), longestJob))
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
	s.jobWidth = max(s.jobWidth, min(columns(job), longestJob))
}

// cleaned returns a text that cannot move a terminal's cursor, nor fill the
// screen.
func cleaned(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return text
}

// firstLine returns a text up to its first line break.
func firstLine(text string) string {
	line, rest, more := strings.Cut(strings.TrimSpace(text), "\n")
	if more && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(line) + " …"
	}
	return strings.TrimSpace(line)
}

// fitted returns a name that takes exactly so many columns.
func fitted(name string, wide int) string {
	name = cleaned(name)
	for columns(name) > wide {
		runes := []rune(strings.TrimSuffix(name, "…"))
		name = string(runes[:len(runes)-1]) + "…"
	}
	return name + strings.Repeat(" ", wide-columns(name))
}

// columns returns how much room a text takes on a terminal.
func columns(text string) (n int) {
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if !unicode.Is(unicode.Mn, r) {
				n++
			}
		}
	}
	return n
}
