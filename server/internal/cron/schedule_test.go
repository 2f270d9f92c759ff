package cron_test

import (
	"errors"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
)

func every(seconds int) protocol.Schedule {
	return protocol.Schedule{Type: protocol.ScheduleInterval, Options: protocol.ScheduleOptions{Seconds: seconds}}
}

func whenever(expression string) protocol.Schedule {
	return protocol.Schedule{Type: protocol.ScheduleCron, Options: protocol.ScheduleOptions{Cron: expression}}
}

// TestMissedTicksAreSkipped has the vectors of docs/protocol/triggers.md §4.3 first.
func TestMissedTicksAreSkipped(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		name            string
		of              protocol.Schedule
		base, now, want string
	}{
		{"the first tick is an interval after the beginning", every(60), "10:00:00.000", "10:00:00.000", "10:01:00.000"},
		{"missed ticks are skipped", every(60), "10:00:00.000", "10:05:30.000", "10:06:00.000"},
		{"a tick may be now", every(60), "10:00:00.000", "10:05:00.000", "10:05:00.000"},
		{"milliseconds count", every(60), "10:00:00.123", "10:01:00.124", "10:02:00.123"},
		{"the first tick may be now", every(60), "10:00:00.000", "10:01:00.000", "10:01:00.000"},
		{"a clock that was set back changes nothing", every(60), "10:00:00.000", "09:00:00.000", "10:01:00.000"},
		{"an expression continues after the last tick", whenever("* * * * *"), "10:00:00.000", "10:00:00.100", "10:01:00.000"},
		{"an expression skips what was missed", whenever("* * * * *"), "10:00:00.000", "10:05:30.000", "10:06:00.000"},
		{"an expression may tick now", whenever("* * * * *"), "10:00:00.000", "10:05:00.000", "10:05:00.000"},
		{"an expression never ticks twice at a time", whenever("* * * * *"), "10:05:00.000", "10:05:00.000", "10:06:00.000"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			schedule, err := cron.New(v.of)
			if err != nil {
				t.Fatal(err)
			}
			day := func(clock string) time.Time { return at(t, "2024-03-15T"+clock+"Z") }
			if got := schedule.Upcoming(day(v.base), day(v.now)); !got.Equal(day(v.want)) {
				t.Errorf("ticks at %v, want %s", got, v.want)
			}
		})
	}
}

func TestASecondlyScheduleThatStoodForDecadesContinuesAtOnce(t *testing.T) {
	t.Parallel()
	base, now := at(t, "1970-01-01T00:00:00Z"), at(t, "2100-01-01T00:00:00.5Z")
	for _, of := range []protocol.Schedule{every(20), whenever("*/20 * * * * *")} {
		schedule, err := cron.New(of)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := schedule.Upcoming(base, now), at(t, "2100-01-01T00:00:20Z"); !got.Equal(want) {
			t.Errorf("ticks at %v, want %v", got, want)
		}
	}
}

func TestASchedulesProblemSaysWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   protocol.Schedule
		path string
	}{
		{every(19), "options.seconds"}, {every(2_592_001), "options.seconds"}, {every(-60), "options.seconds"},
		{whenever("* * * *"), "options.cron"}, {protocol.Schedule{Type: "moon"}, "type"},
	} {
		_, err := cron.New(c.of)
		if problem, ok := errors.AsType[*cron.Problem](err); !ok || problem.Path != c.path {
			t.Errorf("%+v: the error is %v, want one at %s", c.of, err, c.path)
		}
	}
	for _, seconds := range []int{20, 2_592_000} {
		if _, err := cron.New(every(seconds)); err != nil {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
}

// FuzzParse looks for expressions that make the parser panic or the search hang,
// or that tick too early.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.expression, int64(1_710_498_030))
	}
	for _, r := range refusals {
		f.Add(r.expression, int64(0))
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		expression, err := cron.Parse(text)
		if err != nil {
			return
		}
		// Of the years that a tick can be in.
		from := time.Unix(seconds%253_402_300_799, 0)
		next := expression.Next(from)
		if !next.After(from) || !expression.Next(next).After(next) {
			t.Errorf("%q ticks at %v after %v", text, next, from)
		}
	})
}
