package health

import "time"

// reminderEvery is how often something that lasts is logged.
const reminderEvery = time.Minute

// Reminder keeps the log short about something that happens again and again: one line
// at first, then one a minute with how often it happened since the line before. The
// zero value is of what never happened. It is for one goroutine at a time.
type Reminder struct {
	loggedAt time.Time
	unlogged int
}

// Add counts that it happened once more.
func (r *Reminder) Add() { r.unlogged++ }

// Due reports whether a line is to be logged now.
func (r *Reminder) Due(now time.Time) bool {
	age := now.Sub(r.loggedAt)
	return r.loggedAt.IsZero() || age >= reminderEvery || age < 0
}

// Logged says that a line is logged now, and returns how often it happened since the
// line before.
func (r *Reminder) Logged(now time.Time) (times int) {
	times = r.unlogged
	r.loggedAt, r.unlogged = now, 0
	return times
}
