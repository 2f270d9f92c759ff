package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

func TestEverythingOnSQLiteIsMeasured(t *testing.T) {
	t.Parallel()
	for _, app := range []string{appRaw, appSDK} {
		for _, wait := range []string{waitForWebhook, waitForAnswer} {
			t.Run(app+" waiting for the "+wait, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "figures.json")
				var out, log strings.Builder
				only := "" // everything once is enough for what the app has no part in
				if app != appRaw || wait != waitForWebhook {
					only = "tasks|times|commits|sync"
				}
				err := run(t.Context(), []string{
					"-only", only,
					"-in-process", "-skip-postgres", "-rounds", "1", "-duration", "50ms", "-warmup", "0", "-clients", "4", "-rate", "100", "-backlog", "200", "-queued", "200", "-listeners", "20",
					"-app", app, "-wait", wait, "-json", file,
				}, &out, &log)
				if err != nil {
					t.Fatalf("%v\n%s", err, log.String())
				}
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var figures report
				if err := json.Unmarshal(text, &figures); err != nil {
					t.Fatal(err)
				}
				wants := []string{rowRuns, rowCommits, "invoke to webhook received, p99", "end of run to webhook received, p99", "with a new database"}
				if only == "" {
					wants = append(wants, "20 jobs listen, p50", "stop, half of them left", "worked off, webhook delivered", "sent, answered and recorded")
				}
				for _, want := range wants {
					if !hasFigure(figures, want, columnSQLite) || !strings.Contains(out.String(), want) {
						t.Errorf("there is no figure for %q:\n%s", want, out.String())
					}
				}
			})
		}
	}
}

func hasFigure(figures report, name, column string) bool {
	for _, row := range figures.Rows {
		if row.Name == name && len(row.Rounds[column]) > 0 {
			return true
		}
	}
	return false
}

func TestWrongFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, flags, want string }{
		{"an app that is not there", "-app node", "-app"},
		{"a profile of another process", "-cpuprofile x", "-in-process"},
		{"no clients", "-clients 0", "-clients"},
		{"no listeners", "-listeners 2", "-listeners"},
		{"an empty queue", "-queued 0", "-queued"},
		{"a payload that is too short", "-payload 3", "-payload"},
		{"a pattern that is none", "-only (", "-only"},
		{"a pattern that matches nothing", "-in-process -only nothing", "-only"},
		{"an argument", "sqlite", "sqlite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), strings.Fields(c.flags), &strings.Builder{}, &strings.Builder{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestWebhooksAreCounted(t *testing.T) {
	t.Parallel()
	webhook := func(run string, ok bool) []byte {
		return fmt.Appendf(nil, `{"id":%q,"ok":%v,"output":{"startedAt":1}}`, run, ok)
	}
	for _, c := range []struct {
		name     string
		accepted []string
		bodies   [][]byte
		unsigned bool
		want     string
	}{
		{name: "one for each run is right", accepted: []string{"run_1", "run_2"}, bodies: [][]byte{webhook("run_2", true), webhook("run_1", true)}},
		{name: "one that is missing", accepted: []string{"run_1", "run_2"}, bodies: [][]byte{webhook("run_1", true)}, want: "run_2"},
		{name: "one that came twice", accepted: []string{"run_1"}, bodies: [][]byte{webhook("run_1", true), webhook("run_1", true)}, want: "2 times"},
		{name: "one of a run that was not invoked", bodies: [][]byte{webhook("run_1", true)}, want: "run_1"},
		{name: "one of a run that failed", accepted: []string{"run_1"}, bodies: [][]byte{webhook("run_1", false)}, want: "did not succeed"},
		{name: "one with a wrong signature", accepted: []string{"run_1"}, bodies: [][]byte{webhook("run_1", true)}, unsigned: true, want: "signature"},
		{name: "two answers with one run", accepted: []string{"run_1", "run_1"}, bodies: [][]byte{webhook("run_1", true)}, want: "two invocations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			received := newInbox(true)
			for _, run := range c.accepted {
				received.expect(run)
			}
			for _, body := range c.bodies {
				signature := protocol.SignBody(apiKey, body)
				if c.unsigned {
					signature = ""
				}
				received.take(time.Now(), body, signature)
			}
			err := received.check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestFiguresAreShownWithThreeDigits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		rounds []float64
		want   string
	}{
		{"none", nil, "-"},
		{"nothing", []float64{0}, "0"},
		{"small", []float64{0.01234}, "0.012"},
		{"of one round", []float64{3.14159}, "3.14"},
		{"the median of three, and their range", []float64{1800, 1234.4, 99.96}, "1,234 (100.0-1,800)"},
		{"the median of two lies between", []float64{10, 20}, "15.0 (10.0-20.0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := figure(c.rounds); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"the 99th of a hundred", hundred, 0.99, 99},
		{"the 95th of a hundred", hundred, 0.95, 95},
		{"the median of a hundred", hundred, 0.5, 50.5},
		{"of one", []float64{7}, 0.99, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := quantile(c.values, c.q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
