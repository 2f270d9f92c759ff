package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// desk is a server and how the program asks it.
type desk struct {
	*harness.Server
	t     *testing.T
	app   *harness.App
	flags []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s := harness.Start(t, harness.Options{})
	return &desk{s, t, harness.NewApp(t, s), []string{"--server", s.URL, "--api-key", s.Key(protocol.Development).Secret}}
}

// ask runs a command that must succeed, and returns what it shows.
func (d *desk) ask(arguments ...string) string {
	d.t.Helper()
	out, problems, status := invoked(d.t, append(arguments, d.flags...)...)
	if status != succeeded {
		d.t.Fatalf("runhook %s exits with %d: %s%s", strings.Join(arguments, " "), status, out, problems)
	}
	return out
}

// ended returns the ids of a run that ended and of its notification, whose first
// attempt was answered with a reply.
func (d *desk) ended(reply harness.Reply) (run, notification string) {
	d.t.Helper()
	done := harness.NewReceiver(d.t, d.Server, reply)
	run = d.app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, harness.Always(harness.Success(`{"a": [1 ], "b":"<&>"}`)))
	return run, d.Development().WaitAttempt(run, 1).ID
}

func checkSays(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

func TestNotificationsAreListedShownAndSentAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if out := d.ask("notifications", "list"); out != "No notifications.\n" {
		t.Errorf("before there are any it says %q", out)
	}
	run, id := d.ended(harness.HTTP(http.StatusServiceUnavailable, "come\x1b[2J back"))
	checkSays(t, d.ask("notifications", "list", "--status", "pending", "--run", run), "STATUS", id, "PENDING", run, "SUCCESS", "/done")
	checkSays(t, d.ask("notifications", "list", "--status", "delivered"), "No notifications.")
	shown := d.ask("notifications", "get", id)
	checkSays(t, shown, id, "PENDING", "Attempt 1, ", "answered 503", `It said: "come\x1b[2J back"`, "Next: ")
	if strings.Contains(shown, "\x1b") {
		t.Errorf("it lets a receiver steer the terminal: %q", shown)
	}
	var payload protocol.RawRunNotification
	if err := json.Unmarshal([]byte(d.ask("notifications", "get", id, "--payload")), &payload); err != nil || payload.ID != run {
		t.Errorf("the payload is %+v (%v)", payload, err)
	}
	checkSays(t, d.ask("notifications", "resend", id), id+" is being sent again")
	d.Wait("the notification to be delivered", func() bool {
		return d.Development().Notification(id).Status == model.NotificationDelivered
	})
	var got struct {
		ID       string
		Attempts []struct{ Cause string }
	}
	if err := json.Unmarshal([]byte(d.ask("notifications", "get", id, "--json")), &got); err != nil || got.ID != id || len(got.Attempts) != 2 {
		t.Errorf("as JSON it is %+v (%v)", got, err)
	}
}

func TestALongListIsShownInPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, first := d.ended(harness.HTTP(200, ""))
	_, second := d.ended(harness.HTTP(200, ""))
	page := d.ask("notifications", "list", "--take", "1")
	checkSays(t, page, second, "--cursor ")
	_, cursor, _ := strings.Cut(strings.TrimSpace(page), "--cursor ")
	if rest := d.ask("notifications", "list", "--cursor", cursor); !strings.Contains(rest, first) || strings.Contains(rest, second) {
		t.Errorf("the second page is %s", rest)
	}
}

func TestWhatTheServerRefusesIsExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, c := range map[string]struct {
		arguments []string
		status    int
		says      string
	}{
		"an unknown notification":  {append([]string{"notifications", "get", "ntf_none"}, d.flags...), failed, "Notification not found (status 404)"},
		"an unknown status":        {append([]string{"notifications", "list", "--status", "lost"}, d.flags...), failed, "status must be"},
		"an unknown key":           {[]string{"notifications", "list", "--server", d.URL, "--api-key", "tr_dev_other"}, failed, "does not know this API key"},
		"no key":                   {[]string{"notifications", "list", "--server", d.URL}, wrongUsage, "--api-key (RUNHOOK_API_KEY"},
		"a public key":             {[]string{"subscriptions", "list", "--server", d.URL, "--api-key", "pk_dev_x"}, wrongUsage, "is a public key (pk_...)"},
		"a server that is none":    {[]string{"notifications", "list", "--server", "here", "--api-key", "tr_dev_x"}, wrongUsage, "--server (RUNHOOK_API_URL)"},
		"a server that is away":    {[]string{"notifications", "list", "--server", "http://127.0.0.1:1", "--api-key", "tr_dev_x"}, failed, "no Runhook server answers at http://127.0.0.1:1"},
		"a replay to nowhere":      {append([]string{"notifications", "replay", "--since", "2026-01-01T00:00:00Z"}, d.flags...), wrongUsage, "--to, --subscription"},
		"a filter that is no JSON": {append([]string{"subscriptions", "dry-run", "--filter", "{"}, d.flags...), wrongUsage, "--filter"},
		"an unknown job's URL":     {append([]string{"subscriptions", "create", "ftp://example.com/"}, d.flags...), failed, "ftp"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, problems, status := invoked(t, c.arguments...); status != c.status || !strings.Contains(problems, c.says) {
				t.Errorf("it exits with %d: %s%s", status, out, problems)
			}
		})
	}
}

func TestNotificationsThatFailedAreReplayed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	since := d.Clock.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	_, id := d.ended(harness.HTTP(http.StatusGone, "")) // which ends the delivery
	d.Wait("the notification to be exhausted", func() bool {
		return d.Development().Notification(id).Status == model.NotificationExhausted
	})
	to := d.Development().Notification(id).URL
	checkSays(t, d.ask("notifications", "list", "--status", "failed"), id)
	checkSays(t, d.ask("notifications", "replay", "--to", to, "--since", since), "1 notification is being sent again.")
	d.Wait("the notification to be delivered", func() bool {
		return d.Development().Notification(id).Status == model.NotificationDelivered
	})
	checkSays(t, d.ask("notifications", "replay", "--to", to, "--since", since), "0 notifications are")
}
