package demo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// program is the path of the program that TestMain builds.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m)) }

func withProgram(m *testing.M) int {
	folder, err := os.MkdirTemp("", "runhook-demo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "runhook")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, "github.com/runhook/runhook/server/cmd/runhook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, text)
		return 1
	}
	return m.Run()
}

// shown is what a demo left behind.
type shown struct {
	status   int
	out, err string
}

// command returns a demo that keeps its temporary files in a folder of the test,
// and fails the test if any are left.
func command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	temporary := t.TempDir()
	demo := exec.CommandContext(t.Context(), program, append([]string{"demo"}, arguments...)...)
	demo.Env = append(os.Environ(), "TMPDIR="+temporary, "TMP="+temporary)
	demo.Dir = t.TempDir()
	t.Cleanup(func() {
		if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
			t.Errorf("the demo left %v behind (%v)", left, err)
		}
	})
	return demo
}

func show(t *testing.T, demo *exec.Cmd) shown {
	t.Helper()
	var out, err bytes.Buffer
	demo.Stdout, demo.Stderr = &out, &err
	if failed := demo.Run(); demo.ProcessState == nil {
		t.Fatal(failed)
	}
	return shown{demo.ProcessState.ExitCode(), out.String(), err.String()}
}

// wantLines fails unless every pattern matches a line of the text.
func wantLines(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(`(?m)` + pattern).MatchString(text) {
			t.Errorf("no line matches %q", pattern)
		}
	}
	if t.Failed() {
		t.Logf("the demo wrote\n%s", text)
	}
}

func TestTheShippedTextsSurviveTheDeathOfTheServer(t *testing.T) {
	t.Parallel()
	got := show(t, command(t))
	if got.status != 0 || got.err != "" {
		t.Errorf("exit status %d, errors %q", got.status, got.err)
	}
	wantLines(t, got.out,
		`^ +\d+\.\d{3}  server  started +process \d+ +http://127\.0\.0\.1:\d+`,
		`app +registered +examine-text`,
		`run +accepted +lighthouse\.txt +run_`,
		`task +most-frequent +lighthouse\.txt +the \(36\)$`,
		// On a machine that is slow, those that were asleep are awake again.
		`server +SIGKILL +process \d+ +runs: [234] inside a task`,
		`task +count +lighthouse\.txt +cut off: the server is gone$`,
		`server +back +process \d+ `,
		`run +resumes +lighthouse\.txt +done before: read, hash$`,
		`webhook verified +lighthouse\.txt +SUCCESS$`,
		`^  lighthouse\.txt +SUCCESS +240  the \(36\) +\d+\.\d\d s +2$`,
		`^  read +4 +- +- +4$`,
		`^  hash +4 +- +- +4$`,
		`^  count +4 +- +2 +6   cut off, so executed again$`,
		`^  most-frequent +4 +- +- +4$`,
		`^  report +4 +- +[-12] +[456]\b`,
		`the server died while 4 runs were unfinished`,
		`^All as promised\.$`,
	)
	for line := range strings.Lines(got.out) {
		if strings.ContainsRune(line, '\x1b') || len([]rune(line)) > 101 {
			t.Errorf("line %q is too long or coloured", line)
		}
	}
}

func TestFilesThatAreNotTextFailWithTheirTask(t *testing.T) {
	t.Parallel()
	demo := command(t, "binary.dat", "missing.txt", "folder", "empty.txt", "odd name – größer 日本.txt", "")
	for name, text := range map[string]string{
		"binary.dat": "\x89PNG\r\n\x1a\n\x00", "empty.txt": "", "odd name – größer 日本.txt": "Öl, öl und Wasser",
	} {
		if err := os.WriteFile(filepath.Join(demo.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(demo.Dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := show(t, demo)
	if got.status != 0 || got.err != "" {
		t.Errorf("exit status %d, errors %q", got.status, got.err)
	}
	wantLines(t, got.out,
		`^  binary\.dat +FAILURE +- +- `,
		`^  missing\.txt +FAILURE `,
		`^  folder +FAILURE `,
		`^  "" +FAILURE `,
		`^  empty\.txt +SUCCESS +0  no words +`,
		`größer 日本\.txt +SUCCESS +4  öl \(2\) `,
		`^  binary\.dat failed in its task "read": this is not UTF-8 text: byte 1 `,
		`^  missing\.txt failed in its task "read": there is no such file$`,
		`^  folder failed in its task "read": this is a folder`,
		`^  read +2 +4 +- +6$`,
		`^  report +2 +- +- +2$`,
		`^All as promised\.$`,
	)
}

func TestEveryRunMayHaveEndedWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	got := show(t, command(t, "missing.txt"))
	if got.status != 0 {
		t.Errorf("exit status %d", got.status)
	}
	wantLines(t, got.out, `server +SIGKILL .*runs: 1 ended$`, `when all runs had ended`, `^All as promised\.$`)
}

func TestJSONIsAnArrayOfNotifications(t *testing.T) {
	t.Parallel()
	demo := command(t, "--json", "--no-crash", "text.txt", "missing.txt")
	if err := os.WriteFile(filepath.Join(demo.Dir, "text.txt"), []byte("<to be & to be>"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := show(t, demo)
	if got.status != 0 {
		t.Errorf("exit status %d", got.status)
	}
	wantLines(t, got.err, `webhook verified +text\.txt +SUCCESS$`, `^All as promised\.$`)
	type output struct {
		Words        int
		MostFrequent struct {
			Word  string
			Times int
		}
	}
	var notifications []protocol.RunNotification[struct{ File string }, output]
	if err := json.Unmarshal([]byte(got.out), &notifications); err != nil || len(notifications) != 2 {
		t.Fatalf("got %d notifications, %v, from %s", len(notifications), err, got.out)
	}
	text, missing := notifications[0], notifications[1]
	if !text.OK || text.Invocation.Payload.File != "text.txt" || text.Output.Words != 4 || text.Output.MostFrequent.Word != "be" || text.Output.MostFrequent.Times != 2 {
		t.Errorf("the text's notification is %+v", text)
	}
	if missing.OK || missing.Status != protocol.RunFailure || missing.Task == nil || *missing.Task.CacheKey != "read" || missing.RunError() == nil {
		t.Errorf("the missing file's notification is %+v", missing)
	}
}

func TestWithoutACrashTheServerIsNotKilled(t *testing.T) {
	t.Parallel()
	got := show(t, command(t, "--no-crash"))
	if got.status != 0 || strings.Contains(got.out, "SIGKILL") || strings.Contains(got.out, "cut off: ") {
		t.Errorf("exit status %d, output\n%s", got.status, got.out)
	}
	wantLines(t, got.out, `^  count +4 +- +- +4$`, `^All as promised\.$`)
}

func TestADataFolderIsKeptAndCanBeUsedAgain(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "kept data")
	for range 2 {
		got := show(t, command(t, "--no-crash", "--data-dir", folder))
		if got.status != 0 {
			t.Errorf("exit status %d, errors %q", got.status, got.err)
		}
		wantLines(t, got.out, `^The data is kept in .*kept data$`, `^All as promised\.$`)
	}
	if _, err := os.Stat(filepath.Join(folder, "runhook.db")); err != nil {
		t.Error(err)
	}
}

func TestADataFolderThatCannotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	demo := command(t, "--data-dir", filepath.Join("file", "folder"))
	if err := os.WriteFile(filepath.Join(demo.Dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := show(t, demo)
	if got.status != 1 || !strings.Contains(got.err, "make the data folder: ") || got.out != "" {
		t.Errorf("exit status %d, output %q, errors %q", got.status, got.out, got.err)
	}
}

func TestSettingsForAServerDoNotReachTheDemo(t *testing.T) {
	t.Parallel()
	demo := command(t, "--no-crash")
	demo.Env = append(demo.Env, "RUNHOOK_ADDR=127.0.0.1:1", "RUNHOOK_DB=postgres://127.0.0.1:1/none", "RUNHOOK_DEV_API_KEY=tr_dev_other",
		"RUNHOOK_API_URL=http://127.0.0.1:1", "RUNHOOK_API_KEY=tr_dev_other", "RUNHOOK_LOG_LEVEL=error")
	if got := show(t, demo); got.status != 0 {
		t.Errorf("exit status %d, errors %q", got.status, got.err)
	}
}

func TestOnlyTheDemoIsInTheHelp(t *testing.T) {
	t.Parallel()
	got := show(t, exec.CommandContext(t.Context(), program, "--help"))
	listed := regexp.MustCompile(`(?m)^  (demo\S*)`).FindAllString(got.out, -1)
	if want := []string{"  demo"}; !slices.Equal(listed, want) {
		t.Errorf("the help lists %q, want %q", listed, want)
	}
}
