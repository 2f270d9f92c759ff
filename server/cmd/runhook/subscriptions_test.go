package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// subscribed is what create and get --json say.
type subscribed struct {
	ID, Name, URL, Secret string
	Enabled               bool
	Jobs, Statuses        []string
	Filter                json.RawMessage
	RetryClientErrors     bool
	LegacySignature       bool
	Keys                  []struct{ Version, PublicKey string }
}

func (d *desk) subscription(arguments ...string) (s subscribed) {
	d.t.Helper()
	out := d.ask(append(append([]string{"subscriptions"}, arguments...), "--json")...)
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
	return s
}

func TestASubscriptionIsManagedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	checkSays(t, d.ask("subscriptions", "list"), "No subscriptions.")
	filter := filepath.Join(t.TempDir(), "filter.json")
	if err := os.WriteFile(filter, []byte(`{"isTest":[false]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	made := d.subscription("create", "http://127.0.0.1:9/hook", "--name", "billing", "--job", harness.JobID+",other", "--status", "FAILURE",
		"--filter", "@"+filter, "--header", "X-Team: billing", "--schedule", "0s,1m30s", "--no-retry-client-errors", "--legacy-signature")
	if made.Name != "billing" || !made.LegacySignature || len(made.Jobs) != 2 || len(made.Statuses) != 1 || string(made.Filter) == "" || made.RetryClientErrors || !strings.HasPrefix(made.Secret, "whsec_") {
		t.Errorf("it was created as %+v", made)
	}
	shown := d.ask("subscriptions", "get", made.ID)
	checkSays(t, shown, made.ID, "billing", "other", "FAILURE", "1 of its own", "v1")
	if strings.Contains(shown, made.Secret) {
		t.Error("its secret is shown again")
	}
	checkSays(t, d.ask("subscriptions", "update", made.ID, "--disable", "--retry-client-errors", "--no-legacy-signature", "--url", "http://127.0.0.1:9/moved"), "off", "/moved")
	if now := d.subscription("get", made.ID); now.Enabled || now.LegacySignature || !now.RetryClientErrors || now.Name != "billing" {
		t.Errorf("it was changed to %+v", now)
	}
	checkSays(t, d.ask("subscriptions", "list"), made.ID, "off")
	checkSays(t, d.ask("subscriptions", "rotate", made.ID, "--asymmetric", "--overlap", "1h"), "whsk_", "v1a, public key whpk_", "v1, until ")
	checkSays(t, d.ask("subscriptions", "delete", made.ID), "is gone")
	if _, problems, status := invoked(t, append([]string{"subscriptions", "get", made.ID}, d.flags...)...); status != failed || !strings.Contains(problems, "not found") {
		t.Errorf("after it was deleted, get exits with %d: %s", status, problems)
	}
}

func TestASubscriptionIsTriedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	run, _ := d.ended(harness.HTTP(200, ""))
	checkSays(t, d.ask("subscriptions", "dry-run", "--job", harness.JobID), "1 of 1 run since", run, "SUCCESS")
	checkSays(t, d.ask("subscriptions", "dry-run", "--status", "FAILURE"), "0 of 1 run since")

	got := newInbox(t)
	made := d.subscription("create", got.URL, "--asymmetric")
	checkSays(t, d.ask("subscriptions", "test", made.ID), "is being sent to "+got.URL)
	d.Wait("the test notification", func() bool { return len(got.requests()) == 1 })
	request := got.requests()[0]
	err := receiver.Verify(request.header, request.body, receiver.Config{PublicKeys: []string{made.Keys[0].PublicKey}, Now: d.Clock.Now})
	if err != nil {
		t.Errorf("the test notification does not verify: %v", err)
	}
	d.Wait("it to be recorded", func() bool {
		return d.Development().Notification(request.header.Get(protocol.HeaderWebhookID)).Status == model.NotificationDelivered
	})
}
