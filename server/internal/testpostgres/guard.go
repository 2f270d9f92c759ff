package testpostgres

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// guard is a child process that outlives this one just long enough to kill the
// server and delete its folder. It waits for the end of a pipe whose other end
// only this process holds, so no way of dying, SIGKILL included, escapes it. A
// server caught before it wrote down its process id loses its folder, and ends
// for want of it.
type guard struct {
	pipe    *os.File
	process *exec.Cmd
}

const guardScript = `
cat >/dev/null
"$1" stop --pgdata="$2/data" --mode=immediate --wait --silent
rm -rf "$2"
`

func startGuard(found programs, runAs *account, folder string) (*guard, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the pipe of a PostgreSQL server's guard: %w", err)
	}
	defer func() { _ = reader.Close() }()
	process := exec.Command("/bin/sh", "-c", guardScript, "guard", found.pgctl, folder)
	process.Stdin = reader
	process.Dir = folder
	process.Env = cleanEnvironment()
	// A session of its own keeps a Ctrl-C in the terminal away from it.
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: runAs.credential()}
	if err := process.Start(); err != nil {
		_ = writer.Close()
		return nil, fmt.Errorf("starting the guard of a PostgreSQL server as %s in %s "+
			"(that user must be able to enter the folder; TMPDIR can name another): %w", runAs, folder, err)
	}
	return &guard{pipe: writer, process: process}, nil
}

// dismiss lets the guard do its work now and waits for it.
func (g *guard) dismiss() error {
	_ = g.pipe.Close()
	if err := g.process.Wait(); err != nil {
		return fmt.Errorf("killing the PostgreSQL server and deleting its folder: %w", err)
	}
	return nil
}
