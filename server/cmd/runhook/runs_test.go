package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// refused runs a command that must fail, and returns what it says is wrong.
func (d *desk) refused(status int, arguments ...string) string {
	d.t.Helper()
	out, problems, got := invoked(d.t, append(arguments, d.flags...)...)
	if got != status || out != "" && status == wrongUsage {
		d.t.Errorf("runhook %s exits with %d, want %d: %s%s", strings.Join(arguments, " "), got, status, out, problems)
	}
	return problems
}

// started returns the id of a run that waits for a callback.
func (d *desk) started() string {
	d.t.Helper()
	wait := func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("approval", harness.Callback(3600)))
	}
	id := d.app.Run(protocol.InvokeJob{}, wait, wait)
	d.Development().WaitRun(id, protocol.RunWaitingToContinue)
	return id
}

func TestRunsAreListedAndShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if out := d.ask("runs", "list"); out != "No runs.\n" {
		t.Errorf("before there are any it says %q", out)
	}
	done, _ := d.ended(harness.HTTP(200, ""))
	broken := d.app.Run(protocol.InvokeJob{}, harness.Always(harness.Failure("no\x1b[2J stock")))
	d.Development().WaitRun(broken, protocol.RunFailure)
	waiting := d.started()

	checkSays(t, d.ask("runs", "list"), "ID", "JOB", "STATUS", done, "SUCCESS", broken, "FAILURE", waiting, "WAITING_TO_CONTINUE", harness.JobID)
	for _, filter := range [][]string{{"--status", "failure,timed-out"}, {"--status=FAILURE", "--job", harness.JobID, "--since", d.Clock.Now().Add(-time.Minute).UTC().Format(time.RFC3339), "--until", "1m", "--test=false"}} {
		if out := d.ask(append([]string{"runs", "list"}, filter...)...); !strings.Contains(out, broken) || strings.Contains(out, done) || strings.Contains(out, waiting) {
			t.Errorf("%v shows %s", filter, out)
		}
	}
	if out := d.ask("runs", "list", "-o", "id,status", "--status", "success"); strings.Join(strings.Fields(out), " ") != "ID STATUS "+done+" SUCCESS" {
		t.Errorf("in two columns it is %q", out)
	}
	page := d.ask("runs", "list", "--take", "2")
	_, cursor, _ := strings.Cut(strings.TrimSpace(page), "--cursor ")
	if rest := d.ask("runs", "list", "--cursor", cursor); !strings.Contains(rest, done) || strings.Contains(rest, waiting) {
		t.Errorf("the second page is %s", rest)
	}

	checkSays(t, d.ask("runs", "get", waiting), waiting, "WAITING_TO_CONTINUE", "TASK", "approval", "WAITING", "was due ")
	checkSays(t, d.ask("runs", "get", waiting), `It waits: task "approval" waits for a POST to its callback URL`)
	checkSays(t, d.ask("runs", "why", waiting), `It waits: task "approval" waits for a POST to its callback URL`, "That is ")
	checkSays(t, d.ask("runs", "why", done), "It ended as SUCCESS at 2026-03-01")
	checkSays(t, d.ask("runs", "why", waiting, "--json"), `"code": "callback"`, `"wokenBy"`)
	checkSays(t, d.refused(failed, "runs", "why", "run_none"), "status 404")
	checkSays(t, d.ask("runs", "get", done), "SUCCESS", "Took", `{"a":[1],"b":"<&>"}`, "Notification")
	shown := d.ask("runs", "get", broken)
	checkSays(t, shown, "FAILURE", `no\x1b[2J stock`)
	if strings.Contains(shown, "\x1b") {
		t.Errorf("it lets an app steer the terminal: %q", shown)
	}
	var got struct {
		ID    string
		Tasks []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(d.ask("runs", "get", waiting, "--json")), &got); err != nil || got.ID != waiting || len(got.Tasks) != 1 {
		t.Errorf("as JSON it is %+v (%v)", got, err)
	}
}

func TestRunsAreCanceledContinuedAndRunAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, second := d.started(), d.started()
	checkSays(t, d.ask("runs", "cancel", first, second), first+" is canceled", second+" is canceled")
	checkSays(t, d.ask("runs", "cancel", first), first+" is canceled")
	checkSays(t, d.ask("runs", "continue", first), first+" continues")
	d.Development().WaitRun(first, protocol.RunWaitingToContinue)
	checkSays(t, d.refused(failed, "runs", "continue", first), "(status 409)")

	ended, _ := d.ended(harness.HTTP(200, ""))
	checkSays(t, d.refused(failed, "runs", "cancel", ended, first), ended, "it had already ended, as SUCCESS")
	d.Development().WaitRun(first, protocol.RunCanceled)

	var again struct{ ID string }
	if err := json.Unmarshal([]byte(d.ask("runs", "rerun", ended, "--json")), &again); err != nil || again.ID == "" || again.ID == ended {
		t.Errorf("as JSON it is %+v (%v)", again, err)
	}
	checkSays(t, d.refused(failed, "runs", "rerun", "run_none"), "status 404")
}

func TestWhatIsWrongWithAListOfRunsIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	checkSays(t, d.refused(wrongUsage, "runs", "list", "--since", "yesterday"), "--since", "30m, 2h or 7d")
	checkSays(t, d.refused(wrongUsage, "runs", "list", "-o", "id,color"), "--output (-o)", `no column "color"`, "executions")
	checkSays(t, d.refused(failed, "runs", "list", "--status", "lost"), "status must be one of")
	checkSays(t, d.refused(failed, "runs", "get", "run_none"), "Run not found")
}

func TestATimeIsGivenAsSuchOrAsHowLongAgoItWas(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-01-30T11:00:00Z": time.Date(2026, 1, 30, 11, 0, 0, 0, time.UTC),
		"90s":                  now.Add(-90 * time.Second),
		"1h30m":                now.Add(-90 * time.Minute),
		"7d":                   now.AddDate(0, 0, -7),
		"1d12h":                now.Add(-36 * time.Hour),
		"0d":                   now,
	} {
		if got, err := pastTimeOf(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, want %v (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "d", "-2h", "-1d", "1d-2h", "2", "1.5d", "99999999d", "2026-01-30", "9999999999999999999h"} {
		if got, err := pastTimeOf(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
