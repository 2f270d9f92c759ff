package why

import (
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Explain says what a run waits for.
func Explain(f Facts) Answer {
	e := explanation{facts: f, answer: Answer{RunID: f.Run.ID, At: protocol.At(f.Now), WokenBy: []Waker{}}}
	e.explain()
	if !f.Run.Status.Terminal() {
		e.note()
	}
	return e.answer
}

// explanation is an answer that is being made.
type explanation struct {
	facts  Facts
	answer Answer
}

func (e *explanation) explain() {
	f := e.facts
	switch {
	case f.Run.Status.Terminal():
		e.say(Ended, "It ended as %s at %s.", f.Run.Status, at(f.Run.CompletedAt))
	case !f.Lost.SetAsideAt.IsZero():
		e.setAside()
	case f.Run.Status == protocol.RunExecuting:
		e.executing()
	case f.Run.Status == protocol.RunWaitingToContinue:
		e.waiting()
	default:
		e.due()
	}
}

func (e *explanation) say(code Code, format string, args ...any) {
	e.answer.Code, e.answer.Sentence = code, fmt.Sprintf(format, args...)
}

func (e *explanation) wokenBy(kind WakerKind, id string, by time.Time) {
	e.answer.WokenBy = append(e.answer.WokenBy, Waker{kind, id, protocol.AtOrNil(by)})
}

func (e *explanation) setAside() {
	f := e.facts
	e.answer.SetAside = &SetAsideFacts{protocol.At(f.Lost.SetAsideAt), f.Lost.Reason, "runs", f.Run.ID}
	e.say(SetAside, "It is set aside since %s, as each try ended its server: %s. It rests until somebody releases it.", at(f.Lost.SetAsideAt), f.Lost.Reason)
	e.wokenBy(ByPerson, "", time.Time{})
}

func (e *explanation) executing() {
	f := e.facts
	e.answer.App = e.app()
	e.tasks()
	if f.Node == nil {
		e.say(Stuck, "It is recorded as executing, but no server has it; run: runhook doctor.")
		return
	}
	e.answer.Server = &ServerFacts{Node: f.Node.ID, Since: protocol.At(f.Run.UpdatedAt), LastSign: protocol.AtOrNil(f.Node.LastSign)}
	if f.Node.Gone || f.Node.Silent {
		last := "is gone"
		if !f.Node.LastSign.IsZero() {
			last = "has given no sign of life since " + at(f.Node.LastSign)
		}
		e.say(ServerSilent, "The server that executes it (%s) %s: another takes it over within seconds, if one runs.", f.Node.ID, last)
		e.wokenBy(ByServer, "", time.Time{})
		e.wokenBy(ByApp, "", time.Time{})
		return
	}
	what := ""
	for _, t := range e.answer.Tasks {
		if t.Code == Working {
			what = fmt.Sprintf(", and is at task %q since %s", t.Name, at(t.Since.Time))
		}
	}
	sign := ""
	if !f.Node.LastSign.IsZero() {
		sign = ", whose last sign of life was at " + at(f.Node.LastSign)
	}
	e.say(Executing, "App %q is executing it since %s%s; the call is made by server %s%s.", f.App.ID, at(f.Run.UpdatedAt), what, f.Node.ID, sign)
	e.wokenBy(ByApp, "", time.Time{})
	e.wokenBy(ByServer, "", time.Time{}) // that stops, or is lost
}

// waiting is a run that waits for its tasks.
func (e *explanation) waiting() {
	e.tasks()
	var waits []TaskFacts
	for _, t := range e.answer.Tasks {
		switch t.Code {
		case Working, Group, Stuck:
		default:
			waits = append(waits, t)
			var until time.Time
			if t.Until != nil {
				until = t.Until.Time
			}
			e.wokenBy(ByTask, t.ID, until)
			if !until.IsZero() && (e.answer.Until == nil || until.Before(e.answer.Until.Time)) {
				e.answer.Until = t.Until
			}
		}
	}
	switch {
	case len(waits) == 0 && e.facts.MoreTasks:
		e.say(Stuck, "It waits for one of more than %d tasks; the first of them would not wake it.", len(e.answer.Tasks))
	case len(waits) == 0:
		e.say(Stuck, "It waits for a task, but none on record would wake it; run: runhook doctor.")
	case len(waits) == 1 && !e.facts.MoreTasks:
		e.say(waits[0].Code, "It waits: %s", uncapitalised(waits[0].Sentence))
	default:
		more := ""
		if e.facts.MoreTasks {
			more = "more than "
		}
		e.say(waits[0].Code, "It waits for %s%d tasks. The first: %s", more, len(waits), uncapitalised(waits[0].Sentence))
	}
}

// uncapitalised returns a sentence to follow a colon.
func uncapitalised(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }

// due is a run that is to be executed, now or later.
func (e *explanation) due() {
	f := e.facts
	now := !f.DueAt.IsZero() && !f.DueAt.After(f.Now)
	if !f.DueAt.IsZero() && !now {
		e.answer.Until = protocol.AtOrNil(f.DueAt)
	}
	switch {
	case f.EnvironmentOff:
		e.say(EnvironmentOff, "Its environment, %s, is switched off on this server: it rests until it is switched on.", f.Environment)
		e.wokenBy(ByPerson, "", time.Time{})
		e.wokenBy(ByServer, "", time.Time{})
	case f.Run.Parked:
		e.limited()
	case f.DueAt.IsZero():
		e.say(Stuck, "It is %s, but nothing on record says when it is to be executed; run: runhook doctor.", f.Run.Status)
		return
	case !now:
		e.later()
	case f.App.Removed:
		e.say(AppRemoved, "App %q is not registered any more: the run ends as ABORTED as soon as a server looks at it.", f.App.ID)
		e.wokenBy(ByServer, "", time.Time{})
	case f.JobDisabled:
		e.say(JobDisabled, "Job %q takes no runs any more, as its app does not have it or has disabled it: the run ends as ABORTED as soon as a server looks at it.", f.JobID)
		e.wokenBy(ByServer, "", time.Time{})
	case f.Limit != nil && f.Limit.InFlight >= f.Limit.Maximum:
		e.limited()
	default:
		e.queued()
	}
}

// later is a run that is due later.
func (e *explanation) later() {
	f := e.facts
	e.wokenBy(ByServer, "", f.DueAt)
	switch {
	case f.Run.ExecutionFailures > 0:
		e.answer.App = e.app()
		since, reason := "", ""
		if !f.App.FailingSince.IsZero() {
			since = " since " + at(f.App.FailingSince)
		}
		if f.App.Failure != "" {
			reason = " (" + f.App.Failure + ")"
		}
		e.say(AppFails, "App %q is not answering%s%s: attempt %d of %d is at %s.", f.App.ID, since, reason, f.Run.ExecutionFailures+1, f.App.MaximumFailures, at(f.DueAt))
	case f.Lost.Claims > 0:
		e.say(ServerLost, "The server that executed it was lost, %d times in a row (%s): it is executed again at %s.", f.Lost.Claims, f.Lost.Reason, at(f.DueAt))
	case f.Run.Status == protocol.RunWaitingToExecute:
		e.say(PutOff, "It is executed again at %s: its app asked for that time, or what it answered could not be recorded.", at(f.DueAt))
	default:
		e.say(NotDue, "It is not due before %s.", at(f.DueAt))
	}
}

func (e *explanation) limited() {
	l := e.facts.Limit
	if l == nil { // it was removed at this moment
		e.say(Limited, "It waits for room under a concurrency limit.")
		e.wokenBy(ByRoom, "", time.Time{})
		e.wokenBy(ByServer, "", time.Time{})
		return
	}
	e.answer.Limit = &LimitFacts{Name: l.Name, Maximum: l.Maximum, InFlight: l.InFlight, Holders: l.Holders, Ahead: l.Ahead}
	name := fmt.Sprintf("the limit of job %q", e.facts.JobID)
	if l.Name != "" {
		name = fmt.Sprintf("limit %q", l.Name)
	}
	text := fmt.Sprintf("It waits for room under %s of %d", name, l.Maximum)
	if len(l.Holders) > 0 {
		text += fmt.Sprintf(", held by %s (the oldest since %s)", holders(*l), at(l.Holders[0].Since.Time))
	}
	if l.Ahead > 0 {
		text += fmt.Sprintf("; %s before it", waits(l.Ahead))
	}
	e.say(Limited, "%s.", text)
	for _, h := range l.Holders {
		e.wokenBy(ByRoom, h.RunID, time.Time{})
	}
	if len(l.Holders) == 0 {
		e.wokenBy(ByRoom, "", time.Time{})
	}
	e.wokenBy(ByServer, "", time.Time{})
}

// mostNamed is how many holders of a limit a sentence names.
const mostNamed = 3

func holders(l Limit) string {
	var names []string
	for _, h := range l.Holders[:min(mostNamed, len(l.Holders))] {
		names = append(names, h.RunID)
	}
	text := strings.Join(names, ", ")
	if more := l.InFlight - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func waits(n int) string {
	if n == 1 {
		return "1 run waits"
	}
	return runs(n) + " wait"
}

func runs(n int) string {
	switch {
	case n == 1:
		return "1 run"
	case n >= MostAhead:
		return fmt.Sprintf("%d or more runs", n)
	}
	return fmt.Sprintf("%d runs", n)
}

// queued is a run that is due now.
func (e *explanation) queued() {
	f := e.facts
	e.wokenBy(ByServer, "", time.Time{})
	if f.Run.ExecutionFailures > 0 {
		e.answer.App = e.app()
	}
	q := f.Queue
	if q == nil {
		e.say(Queued, "It is due, and waits for a server with room.")
		return
	}
	e.answer.Queue = &QueueFacts{Ahead: q.Ahead, AtLeast: q.Ahead >= MostAhead, PerMinute: q.PerMinute, InFlight: q.InFlight}
	if q.Ahead == 0 {
		e.say(Queued, "It is the next of its environment: a server takes it as soon as it has room. %s of app %q.", executions(q.InFlight), f.App.ID)
		return
	}
	if q.PerMinute == 0 {
		e.say(Queued, "It is queued behind %s of its environment; none has begun in the last minute. %s of app %q.", runs(q.Ahead), executions(q.InFlight), f.App.ID)
		return
	}
	minutes := (q.Ahead + q.PerMinute - 1) / q.PerMinute
	e.answer.Queue.Minutes = &minutes
	e.say(Queued, "It is queued behind %s of its environment. %d a minute leave, so it takes about %d min.", runs(q.Ahead), q.PerMinute, minutes)
}

func executions(n int) string {
	if n == 1 {
		return "1 execution is under way"
	}
	return fmt.Sprintf("%d executions are under way", n)
}

func (e *explanation) app() *AppFacts {
	f := e.facts
	app := &AppFacts{ID: f.App.ID, FailingSince: protocol.AtOrNil(f.App.FailingSince), Error: f.App.Failure}
	if f.Run.ExecutionFailures > 0 {
		app.Attempt, app.Attempts = f.Run.ExecutionFailures+1, f.App.MaximumFailures
	}
	return app
}

// note adds what else matters to a run that has not ended.
func (e *explanation) note() {
	f := e.facts
	add := func(format string, args ...any) {
		e.answer.Notes = append(e.answer.Notes, fmt.Sprintf(format, args...))
	}
	if !f.Run.ExpiresAt.IsZero() {
		add("It is aborted at %s unless its app has answered by then.", at(f.Run.ExpiresAt))
	}
	if e.answer.Code != EnvironmentOff && f.EnvironmentOff {
		add("Its environment, %s, is switched off on this server.", f.Environment)
	}
	if f.Run.Status == protocol.RunWaitingToContinue {
		switch {
		case f.App.Removed:
			add("App %q is not registered any more.", f.App.ID)
		case f.JobDisabled:
			add("Job %q takes no runs any more.", f.JobID)
		}
	}
	for _, s := range f.Skew {
		direction := "ahead of"
		if s.Ahead < 0 {
			direction = "behind"
		}
		add("The clock of server %s is %v %s the database's, so times may be wrong by as much.", s.Node, s.Ahead.Abs().Round(time.Millisecond), direction)
	}
}
