package crash

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/runhook/runhook/server/internal/test/harness"
)

// kind is one of the apps that work for the servers.
type kind struct {
	// id is its endpoint's, and path where the balancer has it.
	id, path string
	// job is its job that is invoked, and eventJobs are those that run on events.
	job       string
	eventJobs []string
	// start starts its process, with variables.
	start func(w *world, variables []string) *harness.Process
}

var (
	goApp   = kind{id: "app", path: "/app", job: "work", eventJobs: []string{"on-event", "on-event-too"}, start: startGo}
	nodeApp = kind{id: "node-app", path: "/node", job: "node-work", start: startNode}
)

// kinds are all of them.
var kinds []kind

func init() { kinds = []kind{goApp, nodeApp} }

// jobCount returns how many jobs they have together.
func jobCount() (count int) {
	for _, k := range kinds {
		count += 1 + len(k.eventJobs)
	}
	return count
}

// startGo starts the test's own binary as the app.
func startGo(w *world, variables []string) *harness.Process {
	w.t.Helper()
	path, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	return harness.StartProcess(w.t, append(variables, asApp+"=1"), path)
}

// nodeFolder has the packages of the Node app.
const nodeFolder = "../../../../e2e/app-2.3.19"

// startNode starts the app that is made with the published Node SDK.
func startNode(w *world, variables []string) *harness.Process {
	w.t.Helper()
	folder, err := filepath.Abs(nodeFolder)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		w.t.Fatalf("the packages of the Node app are missing: run scripts/install.sh (%v)", err)
	}
	return harness.StartProcessIn(w.t, folder, variables, "node", filepath.Join("..", "crash.js"))
}

// startApp starts an app and waits until it serves.
func (w *world) startApp(i int) {
	w.t.Helper()
	w.apps[i] = kinds[i].start(w, []string{
		ledgerVariable + "=" + w.ledger,
		"RUNHOOK_API_KEY=" + apiKey, "RUNHOOK_API_URL=" + w.balancer.URL,
		"TRIGGER_API_KEY=" + apiKey, "TRIGGER_API_URL=" + w.balancer.URL,
	})
	address := ""
	w.wait("the "+kinds[i].id+" to serve", func() bool {
		line, whole := strings.CutSuffix(w.apps[i].Out.String(), "\n")
		address = strings.TrimPrefix(line, appReady)
		return whole
	})
	w.balancer.moveApp(kinds[i].path, parsed(w.t, "http://"+address))
}
