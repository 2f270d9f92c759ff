package cron

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// The shortest and the longest interval (docs/protocol/triggers.md §4.1).
const (
	ShortestInterval = 20 * time.Second
	LongestInterval  = 30 * 24 * time.Hour
)

// Schedule says when something ticks.
type Schedule struct {
	expression Expression
	// interval is zero for a cron expression.
	interval time.Duration
}

// Problem is what is wrong with a schedule.
type Problem struct {
	// Path is where in it, such as options.cron.
	Path string
	Err  error
}

// Error returns the path and what is wrong there.
func (p *Problem) Error() string { return p.Path + ": " + p.Err.Error() }

// Unwrap returns what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

// New returns a schedule as the protocol has it. The error is a [*Problem].
func New(of protocol.Schedule) (Schedule, error) {
	switch of.Type {
	case protocol.ScheduleInterval:
		const shortest, longest = int(ShortestInterval / time.Second), int(LongestInterval / time.Second)
		if seconds := of.Options.Seconds; seconds < shortest || seconds > longest {
			return Schedule{}, &Problem{"options.seconds", fmt.Errorf("expected a number from %d to %d, got %d", shortest, longest, seconds)}
		}
		return Schedule{interval: time.Duration(of.Options.Seconds) * time.Second}, nil
	case protocol.ScheduleCron:
		expression, err := Parse(of.Options.Cron)
		if err != nil {
			return Schedule{}, &Problem{"options.cron", err}
		}
		return Schedule{expression: expression}, nil
	}
	return Schedule{}, &Problem{"type", fmt.Errorf("expected %s or %s, got %.20q", protocol.ScheduleInterval, protocol.ScheduleCron, of.Type)}
}

// Upcoming returns the first tick after base that is not before now. base is the
// last tick or, before the first, when the schedule was made: intervals are
// counted from there. Ticks between base and now are missed for good
// (docs/protocol/triggers.md §4.3).
func (s Schedule) Upcoming(base, now time.Time) time.Time {
	if s.interval == 0 {
		// A tick may be now.
		if before := now.Add(-time.Nanosecond); before.After(base) {
			base = before
		}
		return s.expression.Next(base)
	}
	steps := time.Duration(1)
	if late := now.Sub(base); late > s.interval {
		steps = (late-1)/s.interval + 1
	}
	return base.Add(steps * s.interval)
}
