package why

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// tasks says what each open task waits for.
func (e *explanation) tasks() {
	parents := map[string]bool{}
	for _, t := range e.facts.Tasks {
		parents[t.ParentID] = true
	}
	e.answer.MoreOpen = e.facts.MoreTasks
	for _, t := range e.facts.Tasks {
		facts := explainTask(t, e.facts.Now)
		if facts.Code == Working {
			switch {
			case parents[t.ID]:
				facts.Code, facts.Sentence = Group, fmt.Sprintf("Task %q has tasks below it that have not ended.", t.Name)
			case e.facts.Run.Status == protocol.RunExecuting:
				facts.Sentence = fmt.Sprintf("The app is at task %q since %s.", t.Name, at(t.StartedAt))
			}
		}
		e.answer.Tasks = append(e.answer.Tasks, facts)
	}
}

// explainTask says what a task waits for.
func explainTask(t Task, now time.Time) TaskFacts {
	facts := TaskFacts{ID: t.ID, Name: t.Name, Status: t.Status, Since: protocol.At(t.StartedAt), Until: protocol.AtOrNil(t.DueAt), Attempts: t.Attempts}
	say := func(code Code, format string, args ...any) TaskFacts {
		facts.Code, facts.Sentence = code, fmt.Sprintf(format, args...)
		return facts
	}
	switch {
	case t.Status.Terminal():
		return say(Ended, "Task %q has ended as %s.", t.Name, t.Status)
	case !t.Lost.SetAsideAt.IsZero():
		facts.SetAside = &SetAsideFacts{protocol.At(t.Lost.SetAsideAt), t.Lost.Reason, "tasks", t.ID}
		facts.Until = nil
		return say(SetAside, "Task %q is set aside since %s, as each try ended its server: %s. It rests until somebody releases it.", t.Name, at(t.Lost.SetAsideAt), t.Lost.Reason)
	case t.Operation != "":
		return operation(t, facts, now)
	case t.Status != protocol.TaskWaiting:
		return say(Working, "Task %q is executed with the next execution of the run.", t.Name)
	case t.Callback:
		return callback(t, facts)
	case t.DueAt.IsZero():
		return say(Stuck, "Task %q waits, but nothing on record would end that.", t.Name)
	case !t.Noop && t.Attempts > 1:
		return say(Retry, "Task %q has failed %s, and is tried again at %s.", t.Name, times(t.Attempts-1), at(t.DueAt))
	case !t.Noop:
		return say(Delay, "Task %q begins at %s.", t.Name, at(t.DueAt))
	}
	return say(Delay, "Task %q sleeps until %s.", t.Name, at(t.DueAt))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// operation is a task that the server performs.
func operation(t Task, facts TaskFacts, now time.Time) TaskFacts {
	facts.Code = Operation
	failed := ""
	if t.Attempts > 1 {
		failed = fmt.Sprintf(", which has failed %s,", times(t.Attempts-1))
	}
	switch {
	case t.Working:
		facts.Sentence = fmt.Sprintf("A server performs task %q (%s)%s now.", t.Name, t.Operation, failed)
	case t.OperationAt.After(now):
		facts.Until = protocol.AtOrNil(t.OperationAt)
		facts.Sentence = fmt.Sprintf("Task %q (%s)%s is performed by a server at %s.", t.Name, t.Operation, failed, at(t.OperationAt))
	case t.OperationAt.IsZero():
		facts.Code = Stuck
		facts.Sentence = fmt.Sprintf("Task %q (%s) is a server's to perform, but nothing on record says when.", t.Name, t.Operation)
	default:
		facts.Sentence = fmt.Sprintf("Task %q (%s)%s waits for a server with room.", t.Name, t.Operation, failed)
	}
	return facts
}

// callback is a task that a request to its URL completes.
func callback(t Task, facts TaskFacts) TaskFacts {
	until := ""
	if !t.DueAt.IsZero() {
		until = ", and fails at " + at(t.DueAt) + " if nothing comes"
	}
	switch {
	case t.Event != nil:
		facts.Code = AwaitsEvent
		facts.Event = &EventFacts{t.Event.Names, t.Event.Source, t.Event.PayloadFilter, t.Event.ContextFilter, t.Event.Arrived}
		if t.Event.Arrived {
			facts.Sentence = fmt.Sprintf("The event that task %q waits for has come, and is on its way to the task.", t.Name)
		} else {
			facts.Sentence = fmt.Sprintf("Task %q waits for event %s%s%s.", t.Name, eventNames(t.Event.Names), filters(*t.Event), until)
		}
	case t.Child != nil:
		facts.Code = ChildRun
		c := t.Child
		facts.Child = &ChildFacts{RunID: c.RunID, JobID: c.JobID, Status: c.Status}
		switch {
		case c.Status.Terminal():
			facts.Sentence = fmt.Sprintf("Child run %s of job %q has ended as %s, and its result is on its way to task %q.", c.RunID, c.JobID, c.Status, t.Name)
		case c.Facts == nil:
			facts.Sentence = fmt.Sprintf("Task %q waits for child run %s of job %q, which is %s.", t.Name, c.RunID, c.JobID, c.Status)
		default:
			child := Explain(*c.Facts)
			facts.Child.Why = &child
			facts.Sentence = fmt.Sprintf("Task %q waits for child run %s of job %q. Of that: %s", t.Name, c.RunID, c.JobID, child.Sentence)
		}
	default:
		facts.Code = Callback
		facts.Sentence = fmt.Sprintf("Task %q waits for a POST to its callback URL%s.", t.Name, until)
	}
	return facts
}

func eventNames(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, " or ")
}

// longestFilter is how much of a filter a sentence has, in bytes; the facts have all.
const longestFilter = 300

// filters writes the filters of a wait.
func filters(e Event) string {
	text := ""
	for _, f := range []struct {
		of     string
		filter json.RawMessage
	}{{"payload", e.PayloadFilter}, {"context", e.ContextFilter}} {
		switch {
		case len(f.filter) == 0 || string(f.filter) == "{}":
		case len(f.filter) > longestFilter:
			text += fmt.Sprintf(" with a %s filter", f.of)
		default:
			text += fmt.Sprintf(" with %s %s", f.of, f.filter)
		}
	}
	return text
}
