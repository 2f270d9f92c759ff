package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Process is a program that runs beside the test. It is killed with the test at
// the latest.
type Process struct {
	t        testing.TB
	command  *exec.Cmd
	Out, Err *Output
	exited   chan struct{}
}

// Output is what a program has written so far.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (o *Output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

// String returns all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// StartProcess starts a program with variables beyond the test's own.
func StartProcess(t testing.TB, variables []string, program string, arguments ...string) *Process {
	t.Helper()
	return StartProcessIn(t, "", variables, program, arguments...)
}

// StartProcessIn is StartProcess in a folder; the test's own if that is empty. The
// program's input ends when the test's process does, however that comes about.
func StartProcessIn(t testing.TB, folder string, variables []string, program string, arguments ...string) *Process {
	t.Helper()
	p := &Process{t: t, command: exec.Command(program, arguments...), Out: &Output{}, Err: &Output{}, exited: make(chan struct{})}
	p.command.Dir = folder
	if _, err := p.command.StdinPipe(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	p.command.Env = append(os.Environ(), variables...)
	p.command.Stdout, p.command.Stderr = p.Out, p.Err
	if err := p.command.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	go func() {
		defer close(p.exited)
		var status *exec.ExitError
		if err := p.command.Wait(); err != nil && !errors.As(err, &status) {
			t.Errorf("wait for %s: %v", program, err)
		}
	}()
	t.Cleanup(p.Kill)
	return p
}

// ID returns the process's number.
func (p *Process) ID() int { return p.command.Process.Pid }

// Kill ends the process as a power cut would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may be gone already
	<-p.exited
}

// Terminate asks the process to stop.
func (p *Process) Terminate() {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("terminate the process: %v", err)
	}
}

// Suspend stops the process where it is, until Resume.
func (p *Process) Suspend() { p.signal(syscall.SIGSTOP) }

// Resume lets a suspended process run.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Errorf("send %v to the process: %v", signal, err)
	}
}

// ExitStatus waits until the process is gone.
func (p *Process) ExitStatus() int {
	p.t.Helper()
	WaitFor(p.t, "the process to end", func() bool {
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	})
	return p.command.ProcessState.ExitCode()
}

// ServerURL waits until the process, a server that logs JSON, serves, and
// returns where.
func (p *Process) ServerURL() (url string) {
	p.t.Helper()
	WaitFor(p.t, "the server to serve", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("the server has ended: %s", p.Err)
		default:
		}
		for line := range strings.Lines(p.Err.String()) {
			var entry struct{ Msg, URL string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
				url = entry.URL
			}
		}
		return url != ""
	})
	return url
}
