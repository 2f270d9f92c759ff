package dashboard

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

// task is a task as the API shows it.
type task struct {
	ID             string                     `json:"id"`
	ParentID       string                     `json:"parentId"`
	DisplayKey     string                     `json:"displayKey"`
	Name           string                     `json:"name"`
	Description    string                     `json:"description"`
	Status         protocol.TaskStatus        `json:"status"`
	Noop           bool                       `json:"noop"`
	Operation      string                     `json:"operation"`
	Params         json.RawMessage            `json:"params"`
	Properties     []protocol.DisplayProperty `json:"properties"`
	Output         json.RawMessage            `json:"output"`
	Error          json.RawMessage            `json:"error"`
	StartedAt      time.Time                  `json:"startedAt"`
	CompletedAt    time.Time                  `json:"completedAt"`
	DueAt          time.Time                  `json:"dueAt"`
	Attempts       int                        `json:"attempts"`
	FailedAttempts []failedAttempt            `json:"failedAttempts"`
}

type failedAttempt struct {
	Number   int       `json:"number"`
	Error    string    `json:"error"`
	FailedAt time.Time `json:"failedAt"`
	RetryAt  time.Time `json:"retryAt"`
}

// row is a task in the timeline of its run.
type row struct {
	task
	// Depth is how many tasks it is inside of.
	Depth int
	// Took is how long it took, or has taken until now.
	Took time.Duration
	// Segments are its parts, left to right.
	Segments []segment
}

// segment is a part of a row's bar. Left and Width are in thousandths of the timeline.
type segment struct {
	Left, Width int
	// Kind is work, wait or failed.
	Kind string
}

// scale is how wide a timeline is.
const scale = 1000

// timeline draws tasks on the time from the start of a run to its end, or to now.
// Tasks follow the one that they are inside of, in the order that they were created.
func timeline(tasks []task, started, ended time.Time) []row {
	children := map[string][]task{}
	known := map[string]bool{}
	for _, t := range tasks {
		known[t.ID] = true
	}
	for _, t := range tasks {
		parent := t.ParentID
		if !known[parent] {
			parent = "" // it is on an earlier page
		}
		children[parent] = append(children[parent], t)
	}
	axis := axis{started, ended}
	rows := make([]row, 0, len(tasks))
	var add func(parent string, depth int)
	add = func(parent string, depth int) {
		for _, t := range children[parent] {
			until := t.CompletedAt
			if until.IsZero() {
				until = ended
			}
			rows = append(rows, row{task: t, Depth: depth, Took: until.Sub(t.StartedAt), Segments: axis.segments(t, until)})
			add(t.ID, depth+1)
		}
	}
	add("", 0)
	return rows
}

// axis is the time that a timeline covers.
type axis struct{ from, to time.Time }

// at is where a time is.
func (a axis) at(t time.Time) int {
	whole := a.to.Sub(a.from)
	if whole <= 0 {
		return 0
	}
	// Thousandths first would overflow for waits of years.
	return max(0, min(scale, int(float64(t.Sub(a.from))/float64(whole)*scale)))
}

// segments are the attempts of a task and the pauses between them.
func (a axis) segments(t task, until time.Time) []segment {
	kind := "work"
	switch {
	case t.Status == protocol.TaskErrored:
		kind = "failed"
	case t.Noop || t.Status == protocol.TaskWaiting:
		kind = "wait"
	}
	var all []segment
	from := t.StartedAt
	for _, attempt := range t.FailedAttempts {
		all = append(all, a.segment(from, attempt.FailedAt, "failed"), a.segment(attempt.FailedAt, attempt.RetryAt, "wait"))
		from = attempt.RetryAt
	}
	if from.After(until) {
		return all // the next attempt has not begun
	}
	return append(all, a.segment(from, until, kind))
}

// segment is never so narrow that it cannot be seen.
func (a axis) segment(from, to time.Time, kind string) segment {
	const least = 4
	left, right := a.at(from), a.at(to)
	width := max(right-left, least)
	return segment{min(left, scale-width), width, kind}
}
