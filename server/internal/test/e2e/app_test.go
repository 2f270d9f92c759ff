package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// app is the Node app, or what becomes of it when it is killed and started again.
type app struct {
	sdk     string
	relay   *relay
	log     *journal
	process *process
	// before are the counts of the processes that were killed.
	before map[string]map[string]int
}

// start starts the app's process.
func (a *app) start(t *testing.T, apiURL, apiKey string) {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join(appFolder, "app-"+a.sdk))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Fatalf("the packages of the app are missing: run scripts/install.sh (%v)", err)
	}
	command := exec.Command("node", filepath.Join("..", "app.js"))
	command.Dir = folder
	command.Env = append(cleanEnvironment(), "TRIGGER_API_URL="+apiURL, "TRIGGER_API_KEY="+apiKey)
	var port string
	a.process, port = start(t, "the app", command, a.log, func(line string) (string, bool) {
		return strings.CutPrefix(line, "listening ")
	})
	a.relay.passTo("127.0.0.1:" + port)
}

// counts returns how often each counted function of a run was called.
func (a *app) counts(t *testing.T, run string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	ask(t, "GET", a.relay.url+"/counts/"+run, "", nil, &counts)
	for name, n := range a.before[run] {
		counts[name] += n
	}
	return counts
}

// kill kills the app; the counts of the run are kept.
func (a *app) kill(t *testing.T, run string) {
	t.Helper()
	if a.before == nil {
		a.before = map[string]map[string]int{}
	}
	a.before[run] = a.counts(t, run)
	a.process.kill()
}

// put gives a name on the app's board its value.
func (a *app) put(t *testing.T, name string, value any) {
	t.Helper()
	ask(t, "PUT", a.relay.url+"/board/"+url.PathEscape(name), "", map[string]any{"value": value}, nil)
}

// value waits until a name on the app's board has a value, and returns it.
func (a *app) value(t *testing.T, name string) json.RawMessage {
	t.Helper()
	var answer struct{ Value json.RawMessage }
	ask(t, "GET", a.relay.url+"/board/"+url.PathEscape(name), "", nil, &answer)
	return answer.Value
}

// get is value for one that is text or does not matter.
func (a *app) get(t *testing.T, name string) string {
	t.Helper()
	var text *string
	decode(t, a.value(t, name), &text)
	if text == nil {
		return ""
	}
	return *text
}

// client calls a method of the SDK's client, outside of any run, and decodes what
// it returns. The error is the message of what it throws.
func (a *app) client(t *testing.T, into any, method string, arguments ...any) (thrown string) {
	t.Helper()
	var answer struct {
		Result json.RawMessage
		Error  string
	}
	ask(t, "POST", a.relay.url+"/client/"+method, "", arguments, &answer)
	if answer.Error != "" {
		return answer.Error
	}
	if into != nil {
		if err := json.Unmarshal(answer.Result, into); err != nil {
			t.Fatalf("%s returned %s: %v", method, answer.Result, err)
		}
	}
	return ""
}

// mustClient is client for a method that must not throw.
func (a *app) mustClient(t *testing.T, into any, method string, arguments ...any) {
	t.Helper()
	if thrown := a.client(t, into, method, arguments...); thrown != "" {
		t.Fatalf("%s(%v) threw %s", method, arguments, thrown)
	}
}

// cleanEnvironment returns this process's environment without what would
// configure the programs under test.
func cleanEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "RUNHOOK_") && !strings.HasPrefix(variable, "TRIGGER_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
