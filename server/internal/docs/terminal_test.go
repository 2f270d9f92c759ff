package docs

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience turns a hang into a failure. Nothing is measured by it.
const patience = 4 * time.Minute

// terminal is a shell that blocks are typed into.
type terminal struct {
	t       *testing.T
	folder  string // for the files of this package, not the reader's
	typed   io.WriteCloser
	done    *bufio.Reader // a line for each block that has ended
	blocks  int
	serving bool
}

// openTerminal starts a shell in a folder.
func openTerminal(t *testing.T, folder string, environment []string) *terminal {
	t.Helper()
	said, report, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("bash", "--noprofile", "--norc")
	shell.Dir, shell.Env, shell.ExtraFiles = folder, environment, []*os.File{report}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	typed, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatalf("start bash: %v", err)
	}
	_ = report.Close()
	end := guard(t, shell.Process.Pid)
	t.Cleanup(func() {
		end()
		_ = shell.Wait() // it was killed
		_ = said.Close()
	})
	x := &terminal{t: t, folder: t.TempDir(), typed: typed, done: bufio.NewReader(said)}
	fmt.Fprintln(typed, `set -E -o pipefail; trap 'failed=${failed:-"$BASH_COMMAND (exit status $?)"}' ERR`)
	return x
}

// guard returns a function that kills a group of processes. They are killed, too, when
// the test's process ends without calling it.
func guard(t *testing.T, group int) func() {
	t.Helper()
	watching := exec.Command("sh", "-c", fmt.Sprintf("cat >/dev/null; kill -9 -%d", group))
	life, err := watching.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watching.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = life.Close()
		if err := watching.Wait(); err != nil {
			t.Errorf("kill what the document has started: %v", err)
		}
	}
}

// typeIn has the shell run a block, and returns a channel that gives the command
// that failed, empty if none did, when it has ended.
func (x *terminal) typeIn(text string) <-chan string {
	x.t.Helper()
	if x.serving {
		x.t.Fatal("a program runs in this terminal; open another with terminal=NAME")
	}
	x.blocks++
	script := filepath.Join(x.folder, fmt.Sprintf("%d.sh", x.blocks))
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		x.t.Fatal(err)
	}
	fmt.Fprintf(x.typed, "failed=; { . %s; } >%s 2>&1 </dev/null; echo \"$failed\" | tr '\\n' ' ' >&3; echo >&3\n", script, x.outputFile())
	ended := make(chan string, 1)
	go func() {
		line, err := x.done.ReadString('\n')
		if err != nil {
			line = "the shell has ended"
		}
		ended <- strings.TrimSpace(line)
	}()
	return ended
}

func (x *terminal) outputFile() string {
	return filepath.Join(x.folder, fmt.Sprintf("%d.out", x.blocks))
}

// output is what the last block has printed so far.
func (x *terminal) output() string {
	text, err := os.ReadFile(x.outputFile())
	if err != nil && !os.IsNotExist(err) {
		x.t.Fatal(err)
	}
	return string(text)
}

// run types a block and waits for its end.
func (x *terminal) run(b block) {
	x.t.Helper()
	select {
	case failed := <-x.typeIn(b.text):
		if failed != "" {
			x.t.Fatalf("line %d: this failed: %s\n%s", b.line, failed, x.output())
		}
	case <-time.After(patience):
		x.t.Fatalf("line %d: it does not end: give it port=N if it is to keep running\n%s", b.line, x.output())
	}
}

// serve types a block that keeps running, and waits until its port is served.
func (x *terminal) serve(b block) {
	x.t.Helper()
	port := b.options[portOption]
	if served(port) {
		x.t.Fatalf("line %d: port %s of this machine is taken, and the document uses it; stop what has it", b.line, port)
	}
	ended := x.typeIn(b.text)
	x.serving = true
	until := time.NewTimer(patience)
	defer until.Stop()
	for again := time.NewTicker(20 * time.Millisecond); !served(port); {
		select {
		case failed := <-ended:
			x.t.Fatalf("line %d: it has ended before it served port %s: %s\n%s", b.line, port, failed, x.output())
		case <-until.C:
			x.t.Fatalf("line %d: nothing serves port %s\n%s", b.line, port, x.output())
		case <-again.C:
		}
	}
}

func served(port string) bool {
	connection, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err == nil {
		_ = connection.Close()
	}
	return err == nil
}

// expect waits until a terminal has printed what a block shows.
func (x *terminal) expect(b block) {
	x.t.Helper()
	until := time.NewTimer(patience)
	if !x.serving {
		until.Reset(0) // it has printed all
	}
	defer until.Stop()
	for again := time.NewTicker(20 * time.Millisecond); ; {
		missing := unmatched(b.text, x.output())
		if missing == "" {
			return
		}
		select {
		case <-until.C:
			x.t.Fatalf("line %d: the document shows a line that was not printed in this place:\n%s\nbut\n%s", b.line, missing, x.output())
		case <-again.C:
		}
	}
}

// unmatched returns the first line of shown that printed does not have after those
// before it; "..." in a line stands for any text, and a line of its own for any
// lines.
func unmatched(shown, printed string) string {
	lines := strings.Split(printed, "\n")
	for want := range strings.Lines(shown) {
		want = strings.TrimRight(want, "\n ")
		if want == "" || want == "..." {
			continue
		}
		found := -1
		for i, line := range lines {
			if alike(want, strings.TrimRight(line, " ")) {
				found = i
				break
			}
		}
		if found < 0 {
			return want
		}
		lines = lines[found+1:]
	}
	return ""
}

// alike reports whether a line is as shown, where "..." stands for any text.
func alike(shown, line string) bool {
	parts := strings.Split(shown, "...")
	if !strings.HasPrefix(line, parts[0]) {
		return false
	}
	rest := line[len(parts[0]):]
	for i, part := range parts[1:] {
		at := strings.Index(rest, part)
		if i == len(parts)-2 {
			at = strings.LastIndex(rest, part)
			return at >= 0 && at+len(part) == len(rest)
		}
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return rest == ""
}

func TestOutputIsComparedLineByLine(t *testing.T) {
	t.Parallel()
	const printed = "first run_1 line\nsecond\nthird of 3\n"
	for shown, want := range map[string]string{
		"first ... line\nthird of ...\n": "", "second\n": "", "first run_1 line\n...\nthird of 3\n": "",
		"third of 3\nsecond\n": "second", "sec\n": "sec", "first ... lines\n": "first ... lines", "... 4\n": "... 4",
	} {
		if got := unmatched(shown, printed); got != want {
			t.Errorf("%q lacks %q, want %q", shown, got, want)
		}
	}
}
