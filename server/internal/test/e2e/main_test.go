package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The places that the tests need, seen from this folder.
const (
	serverModule = "../../.."
	appFolder    = "../../../../e2e"
)

func TestMain(m *testing.M) {
	if err := setUp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	if err := theGuard.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func setUp() (err error) {
	if programFolder, err = os.MkdirTemp("", "e2e-"); err != nil {
		return err
	}
	theGuard, err = startGuard(programFolder)
	return err
}

var programFolder string

// program builds the runhook program, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "server-under-test")
	// The checkout may belong to another user, whom Go would not stamp it for.
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/runhook")
	build.Dir = serverModule
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, output)
	}
	return path, nil
})

// guard is a child process that outlives this one just long enough to kill the
// processes that are left and to delete the folder of the program, so that tests
// that are killed leave nothing behind. It waits for the end of a pipe whose
// other end only this process holds.
type guard struct {
	pipe    *os.File
	process *exec.Cmd
}

var theGuard *guard

const guardScript = `
left=" "
while read -r verb pid; do
	case $verb in
	started) left="$left$pid " ;;
	ended) left=$(echo "$left" | sed "s/ $pid / /") ;;
	esac
done
for pid in $left; do kill -9 "$pid"; done
rm -rf "$1"
`

func startGuard(folder string) (*guard, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	process := exec.Command("/bin/sh", "-c", guardScript, "guard", folder)
	process.Stdin = reader
	if err := process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the guard of the tests' processes: %w", err), writer.Close())
	}
	return &guard{pipe: writer, process: process}, nil
}

// started and ended report a process to the guard. A guard that cannot be reached is
// gone, which close reports.
func (g *guard) started(pid int) { _, _ = fmt.Fprintln(g.pipe, "started", pid) }
func (g *guard) ended(pid int)   { _, _ = fmt.Fprintln(g.pipe, "ended", pid) }

// close has the guard clean up, and waits for it.
func (g *guard) close() error {
	if err := errors.Join(g.pipe.Close(), g.process.Wait()); err != nil {
		return fmt.Errorf("the guard of the tests' processes: %w", err)
	}
	return nil
}
