package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// checkout is the root of the repository, seen from this folder.
const checkout = "../../.."

// document is what a reader of a document has before.
type document struct {
	// inCheckout has its shells begin in the checkout; in the empty home folder
	// otherwise.
	inCheckout bool
	// prepare makes what the document says that the reader has, and returns the
	// variables that stand for it.
	prepare func(*testing.T, reader) []string
}

// documents are those that need more than the runhook program. Others are run with
// that alone.
var documents = map[string]document{
	"README.md":              {inCheckout: true},
	"CONTRIBUTING.md":        {inCheckout: true},
	"server/bench/README.md": {inCheckout: true},
	"docs/testing.md":        {inCheckout: true},
	"docs/api.md":            {prepare: aServerWithRuns},
	"docs/cli.md":            {prepare: aServerWithRuns},
	"docs/notifications.md":  {prepare: aServerWithRuns},
	"docs/operating.md":      {prepare: aServerWithRuns},
	"docs/trigger-v2.md":     {prepare: aServer},
}

func TestEveryCodeBlockOfTheDocumentsWorksAsTyped(t *testing.T) {
	takeTheMachine(t)
	program := builtProgram(t)
	for _, path := range guides(t) {
		t.Run(path, func(t *testing.T) {
			blocks := readBlocks(t, filepath.Join(checkout, path))
			if !slices.ContainsFunc(blocks, func(b block) bool { return b.kind != illustration }) {
				return
			}
			r := newReader(t, documents[path], program)
			for _, b := range blocks {
				r.follow(b)
			}
		})
	}
}

// guides are the documents of the repository, by their paths.
func guides(t *testing.T) (paths []string) {
	t.Helper()
	listed, err := exec.Command("git", "-c", "safe.directory=*", "-C", checkout, "ls-files", "-z",
		"--cached", "--others", "--exclude-standard", "--deduplicate", "*.md").Output()
	if err != nil {
		t.Fatalf("list the documents: %v", err)
	}
	for path := range strings.SplitSeq(strings.Trim(string(listed), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(checkout, path)); err == nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// takeTheMachine waits until no other test on this machine has the ports of the
// documents.
func takeTheMachine(t *testing.T) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "runhook-documents.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("wait for other tests that run the documents: %v", err)
	}
}

// reader is someone who follows a document.
type reader struct {
	t           *testing.T
	home, start string
	environment []string
	terminals   map[string]*terminal
}

func newReader(t *testing.T, d document, program string) reader {
	t.Helper()
	r := reader{t: t, home: t.TempDir(), terminals: map[string]*terminal{}}
	if r.start = r.home; d.inCheckout {
		var err error
		if r.start, err = filepath.Abs(checkout); err != nil {
			t.Fatal(err)
		}
	}
	// A request that is refused is a mistake of the document.
	if err := os.WriteFile(filepath.Join(r.home, ".curlrc"), []byte("fail-with-body\nno-progress-meter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.environment = r.variables()
	if !d.inCheckout {
		r.environment = append(r.environment, "PATH="+program+":"+os.Getenv("PATH"))
	}
	if d.prepare != nil {
		r.environment = append(r.environment, d.prepare(t, r)...)
	}
	return r
}

// variables are the reader's: nothing of the tests' own, and what is slow to download
// from where this machine keeps it.
func (r reader) variables() []string {
	var kept []string
	for _, name := range []string{"PATH", "LANG", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "GOPROXY", "GOSUMDB", "NPM_CONFIG_REGISTRY", "npm_config_registry", "NPM_CONFIG_USERCONFIG"} {
		if value, ok := os.LookupEnv(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	kept = append(kept, "HOME="+r.home, "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0", "NO_COLOR=1",
		"npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false")
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOTOOLCHAIN"} {
		kept = append(kept, name+"="+printed(r.t, "go", "env", name))
	}
	return append(kept, "npm_config_cache="+printed(r.t, "npm", "config", "get", "cache"))
}

func printed(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	text, err := exec.Command(program, arguments...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", program, arguments, err)
	}
	return strings.TrimSpace(string(text))
}

// builtProgram builds the runhook program and returns the folder that it is in.
func builtProgram(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", folder, "./cmd/runhook")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, text)
	}
	return folder
}

// terminal returns the terminal that a block names.
func (r reader) terminal(b block) *terminal {
	name := b.options[terminalOption]
	if r.terminals[name] == nil {
		r.terminals[name] = openTerminal(r.t, r.start, r.environment)
	}
	return r.terminals[name]
}

// follow does what a block says.
func (r reader) follow(b block) {
	r.t.Helper()
	switch {
	case b.kind == illustration:
	case b.kind == output:
		r.terminal(b).expect(b)
	case b.kind == fragment:
		compile(r.t, b)
	case b.options[fileOption] != "":
		r.save(b)
	case b.language == "sh" && b.options[portOption] != "":
		r.terminal(b).serve(b)
	case b.language == "sh":
		r.terminal(b).run(b)
	case b.language == "json":
		if !json.Valid([]byte(b.text)) {
			r.t.Errorf("line %d: this is no JSON", b.line)
		}
	case b.language == "sql":
		execute(r.t, b)
	default:
		r.t.Fatalf("line %d: nothing checks a block of %s", b.line, b.language)
	}
}

// save writes a file where the terminal is.
func (r reader) save(b block) {
	r.t.Helper()
	x := r.terminal(b)
	x.run(block{line: b.line, text: "pwd\n"})
	path := filepath.Join(strings.TrimSpace(x.output()), b.options[fileOption])
	if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
		r.t.Fatalf("line %d: %v", b.line, err)
	}
}
