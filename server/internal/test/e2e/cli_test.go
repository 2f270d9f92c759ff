package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// publishedCLI is the folder of the CLI from npm.
const publishedCLI = appFolder + "/cli"

// project is a folder of a Node project that is set up for the published CLI.
func project(t *testing.T, s *devStack) string {
	t.Helper()
	folder := t.TempDir()
	variables := "TRIGGER_API_KEY=" + s.apiKey + "\nTRIGGER_API_URL=http://localhost:" + portOf(t, s.address) + "\n"
	for name, content := range map[string]string{
		"package.json": `{"name":"shop","version":"1.0.0","trigger.dev":{"endpointId":"shop"}}`,
		// Its commands look for one or the other.
		".env": variables, ".env.local": variables,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// npx returns the published CLI as a command, kept from talking to anyone but
// this machine.
func npx(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	folder, err := filepath.Abs(publishedCLI)
	if err != nil {
		t.Fatal(err)
	}
	cli := filepath.Join(folder, "node_modules", ".bin", "trigger-cli")
	if _, err := os.Stat(cli); err != nil {
		t.Fatalf("the published CLI is missing: run scripts/install.sh (%v)", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, cli, arguments...)
	command.Env = append(cleanEnvironment(), "NODE_OPTIONS=--require "+filepath.Join(folder, "offline.cjs"))
	return command
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestCommandLineFromNPMRegistersAndIndexesAnApp(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	log := &journal{}
	refreshed := regexp.MustCompile(`Refreshed `)
	start(t, "the published CLI", npx(t, "dev", project(t, s), "--port", portOf(t, s.app.address())), log, func(line string) (string, bool) {
		return "", refreshed.MatchString(line)
	})
	if printed := log.String(); strings.Contains(printed, "✖") {
		t.Errorf("the CLI complains:\n%s", printed)
	}
	var known struct {
		Endpoints []struct {
			Slug, URL string
			LastIndex struct {
				Status string
				Stats  struct{ Jobs int }
			}
		}
	}
	ask(t, "GET", s.url+"/api/runhook/v1/endpoints", s.apiKey, nil, &known)
	if len(known.Endpoints) != 1 {
		t.Fatalf("the server knows %d endpoints, want 1", len(known.Endpoints))
	}
	e := known.Endpoints[0]
	if url := "http://localhost:" + portOf(t, s.app.address()) + "/api/trigger"; e.Slug != "shop" || e.URL != url || e.LastIndex.Status != "SUCCESS" || e.LastIndex.Stats.Jobs != 1 {
		t.Errorf("the server knows %+v, want the app shop at %s with one job", e, url)
	}
	n := s.webhooks.await(t, s.invoke(t, "greet", `"Ada"`))
	wantOutput(t, n, `"Hello, Ada"`)
}

func TestCommandLineFromNPMIndexesAnAppAgainWhenAFileChanges(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	log, folder := &journal{}, project(t, s)
	start(t, "the published CLI", npx(t, "dev", folder, "--port", portOf(t, s.app.address())), log, func(line string) (string, bool) {
		return "", strings.Contains(line, "Refreshed ")
	})
	s.app.has("greet", "wave")
	var got struct{ Jobs []struct{ ID string } }
	const changeEvery = 250
	looks := 0
	(&stack{log: s.log}).until(t, "the CLI has had the new job indexed", func() bool {
		// It registers the app once files have not changed for a second; one that
		// changed before it began to watch them went unseen.
		if looks%changeEvery == 0 {
			if err := os.WriteFile(filepath.Join(folder, "jobs.ts"), []byte("// "+strings.Repeat("changed ", looks)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		looks++
		ask(t, "GET", s.url+"/api/runhook/v1/jobs", s.apiKey, nil, &got)
		return len(got.Jobs) == 2
	})
	wantOutput(t, s.webhooks.await(t, s.invoke(t, "wave", `"Ada"`)), `"Hello, Ada"`)
}

func TestCommandLineFromNPMShowsWhoItIs(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	printed, err := npx(t, "whoami", project(t, s)).CombinedOutput()
	// It ends with status 1 although all is well.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, want := range []string{"environment: DEVELOPMENT", "Trigger Client Id: shop", "title: Runhook"} {
		if !strings.Contains(string(printed), want) {
			t.Errorf("it does not print %q but\n%s", want, printed)
		}
	}
}

func TestCommandLineFromNPMSendsAnEvent(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	printed, err := npx(t, "send-event", project(t, s), "--name", "user.created", "--payload", `{"name":"Ada"}`, "--id", "event-1").CombinedOutput()
	if err != nil || !strings.Contains(string(printed), "with id event-1 sent") {
		t.Fatalf("%v\n%s", err, printed)
	}
	var event struct {
		ID, Name string
	}
	status, answer := request(t, http.MethodGet, s.url+"/api/v2/events/event-1", s.apiKey, nil)
	if err := json.Unmarshal(answer, &event); status != http.StatusOK || err != nil || event.Name != "user.created" {
		t.Errorf("the server answers %d %s, want the event", status, answer)
	}
}
