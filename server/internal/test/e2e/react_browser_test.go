package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reactFolder, with a version at its end, is the folder of the web page's packages.
const reactFolder = appFolder + "/react-"

// panel is a part of the web page that shows what a hook returns.
type panel struct {
	Name    string `json:"name"`
	Hook    string `json:"hook"`
	ID      string `json:"id"`
	Options object `json:"options,omitempty"`
}

// page is the web page in a browser, and the server that it comes from.
type page struct {
	url string

	mu sync.Mutex
	// shown holds, by the panel, each text that it has shown.
	shown map[string][]string
}

// shows is what a panel shows: the members that its hook returns.
type shows struct {
	Status   string
	Error    string
	Data     json.RawMessage
	Run      json.RawMessage
	Statuses json.RawMessage
}

// openPage opens the web page, with a version of the hooks, in a browser. Its
// server is of another origin than the API.
func openPage(t *testing.T, hooks, apiURL, publicKey string, panels []panel) *page {
	t.Helper()
	script := filepath.Join(t.TempDir(), "page.js")
	packages, err := filepath.Abs(filepath.Join(reactFolder+hooks, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	bundle := exec.CommandContext(t.Context(), filepath.Join(packages, ".bin", "esbuild"), "page.jsx", "--bundle",
		`--define:process.env.NODE_ENV="production"`, "--log-level=warning", "--outfile="+script)
	bundle.Dir = appFolder
	// The page is not in the folder of its packages, of which there are two.
	bundle.Env = append(os.Environ(), "NODE_PATH="+packages)
	if output, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("bundling the page (are its packages installed? run scripts/install.sh): %v\n%s", err, output)
	}
	p := &page{shown: map[string][]string{}}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>Hooks</title><link rel="icon" href="data:,"><div id="page"></div><script src="/page.js"></script>`)
	})
	routes.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, script) })
	routes.HandleFunc("POST /shown", p.see)
	listening := httptest.NewServer(routes)
	t.Cleanup(func() {
		listening.CloseClientConnections()
		listening.Close()
	})
	address, err := json.Marshal(object{"apiUrl": apiURL, "publicApiKey": publicKey, "panels": panels})
	if err != nil {
		t.Fatal(err)
	}
	p.url = listening.URL + "/#" + url.PathEscape(string(address))
	browse(t, p.url)
	return p
}

func (p *page) see(_ http.ResponseWriter, r *http.Request) {
	var got struct{ Name, Text string }
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		return // the browser was closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown[got.Name] = append(p.shown[got.Name], got.Text)
}

// hasShown reports whether a panel has shown something.
func (p *page) hasShown(name string, is func(shows) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.shown[name] {
		var seen shows
		if err := json.Unmarshal([]byte(text), &seen); err == nil && is(seen) {
			return true
		}
	}
	return false
}

// String describes what each panel has shown, for failures.
func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var got strings.Builder
	for name, texts := range p.shown {
		got.WriteString(name + ":\n  " + strings.Join(texts, "\n  ") + "\n")
	}
	return got.String()
}

// browse opens a browser, which is closed when the test ends.
func browse(t *testing.T, url string) {
	t.Helper()
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			browser = found
			break
		}
	}
	if browser == "" {
		t.Fatal("there is no browser: run scripts/install.sh, which installs chromium")
	}
	// A short path: the browser makes a socket there.
	home, err := os.MkdirTemp("", "browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	command := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
		"--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+filepath.Join(home, "profile"), url)
	command.Env = append(cleanEnvironment(), "HOME="+home, "TMPDIR="+home)
	// It is a family of processes, which is to end as a whole.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log := &journal{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the browser's log:\n%s", log)
		}
	})
	process, _ := start(t, "the browser", command, log, func(line string) (string, bool) {
		return "", strings.HasPrefix(line, "DevTools listening on ")
	})
	t.Cleanup(func() { _ = syscall.Kill(-process.command.Process.Pid, syscall.SIGKILL) })
}
