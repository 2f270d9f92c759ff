package dashboard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

func TestATimelineIsDrawnToScale(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	done := func(id, parent string, from, to int) task {
		return task{ID: id, ParentID: parent, Status: protocol.TaskCompleted, StartedAt: at(from), CompletedAt: at(to)}
	}
	sleep := task{ID: "sleep", Noop: true, Status: protocol.TaskCompleted, StartedAt: at(10), CompletedAt: at(90)}
	retried := done("retried", "", 0, 50)
	retried.FailedAttempts = []failedAttempt{{Number: 1, FailedAt: at(10), RetryAt: at(40)}}
	retrying := task{ID: "retrying", Status: protocol.TaskWaiting, StartedAt: at(0), FailedAttempts: []failedAttempt{{Number: 1, FailedAt: at(50), RetryAt: at(200)}}}
	broken := task{ID: "broken", Status: protocol.TaskErrored, StartedAt: at(0), CompletedAt: at(100)}
	tests := []struct {
		name  string
		tasks []task
		ended time.Time
		want  string
	}{
		{"one after the other", []task{done("a", "", 0, 50), done("b", "", 50, 100)}, at(100), "a@0 0+500 work; b@0 500+500 work"},
		{"a wait", []task{sleep}, at(100), "sleep@0 100+800 wait"},
		{"inside of another, whatever was created between", []task{done("a", "", 0, 100), done("b", "", 0, 10), done("c", "a", 10, 20)}, at(100),
			"a@0 0+1000 work; c@1 100+100 work; b@0 0+100 work"},
		{"a part of a task of an earlier page", []task{done("c", "gone", 10, 20)}, at(100), "c@0 100+100 work"},
		{"attempts and their pause", []task{retried}, at(100), "retried@0 0+100 failed 100+300 wait 400+100 work"},
		{"an attempt that is due later than now", []task{retrying}, at(100), "retrying@0 0+500 failed 500+500 wait"},
		{"a failure", []task{broken}, at(100), "broken@0 0+1000 failed"},
		{"what took no time can be seen", []task{done("a", "", 100, 100)}, at(100), "a@0 996+4 work"},
		{"a run that took no time", []task{done("a", "", 0, 0)}, start, "a@0 0+4 work"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, row := range timeline(test.tasks, start, test.ended) {
				text := fmt.Sprintf("%s@%d", row.ID, row.Depth)
				for _, s := range row.Segments {
					text += fmt.Sprintf(" %d+%d %s", s.Left, s.Width, s.Kind)
				}
				got = append(got, text)
			}
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("rows: %s\nwant: %s", got, test.want)
			}
		})
	}
}

func TestTimesAreShownToPeople(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		distance time.Duration
		want     string
	}{
		{0, "just now"}, {59 * time.Second, "59 s ago"}, {2*time.Minute + 59*time.Second, "2 min ago"}, {3 * time.Hour, "3 h ago"},
		{50 * time.Hour, "2 days ago"}, {-500 * time.Millisecond, "now"}, {-57 * time.Minute, "in 57 min"},
	} {
		if got := ago(now.Add(-test.distance), now); got != test.want {
			t.Errorf("%v ago is %q, want %q", test.distance, got, test.want)
		}
	}
	if got := ago(time.Time{}, now); got != "" {
		t.Errorf("no time is %q, want nothing", got)
	}
	for _, test := range []struct {
		duration time.Duration
		want     string
	}{
		{41 * time.Millisecond, "41 ms"}, {4100 * time.Millisecond, "4.1 s"}, {59 * time.Second, "59 s"}, {time.Minute, "1 min"},
		{72 * time.Minute, "1 h 12 min"}, {49 * time.Hour, "2 d 1 h"}, {-time.Second, "0 ms"},
	} {
		if got := took(test.duration); got != test.want {
			t.Errorf("%v is %q, want %q", test.duration, got, test.want)
		}
	}
}
