package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait. It is generous, as it only serves to turn a hang
// into an error.
const patience = 5 * time.Minute

// process is a running program.
type process struct {
	name    string
	command *exec.Cmd
	stdin   io.Closer
	// meant is set before a test ends the process.
	meant atomic.Bool
	ended chan struct{}
	err   error
}

// journal is what a process, and those that took its place, have printed.
type journal struct {
	mu    sync.Mutex
	lines []string
	// crash says how a process ended that no test had ended.
	crash string
}

// crashed says how a process ended that no test had ended; empty if none did.
func (j *journal) crashed() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.crash
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// longestJournal is how many lines of each process are shown.
const longestJournal = 400

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	shown := j.lines[max(0, len(j.lines)-longestJournal):]
	return strings.Join(shown, "\n")
}

// start runs a command, copies what it prints to the journal, and returns once
// ready has found a line that says that the program is up. What ready makes of
// that line is returned, too. The process is killed when the test ends.
func start(t *testing.T, name string, command *exec.Cmd, log *journal, ready func(line string) (string, bool)) (*process, string) {
	t.Helper()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = writer, writer
	err = command.Start()
	_ = writer.Close()
	if err != nil {
		_ = reader.Close()
		t.Fatalf("starting %s: %v", name, err)
	}
	theGuard.started(command.Process.Pid)
	p := &process{name: name, command: command, stdin: stdin, ended: make(chan struct{})}
	up := make(chan string, 1)
	go p.follow(reader, log, func(line string) {
		if said, ok := ready(line); ok {
			select {
			case up <- said:
			default:
			}
		}
	})
	t.Cleanup(func() { p.kill() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case said := <-up:
		return p, said
	case <-p.ended:
		t.Fatalf("%s ended before it was ready: %v\n%s", name, p.err, log)
	case <-ctx.Done():
		t.Fatalf("%s was not ready in time\n%s", name, log)
	}
	return nil, ""
}

// follow reads what the process prints until it has ended.
func (p *process) follow(output io.ReadCloser, log *journal, see func(line string)) {
	defer close(p.ended)
	reader := bufio.NewReader(output)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" || err == nil {
			log.add(line)
			see(line)
		}
		if err != nil {
			break
		}
	}
	_ = output.Close()
	p.err = p.command.Wait()
	theGuard.ended(p.command.Process.Pid)
	if !p.meant.Load() {
		log.mu.Lock()
		defer log.mu.Unlock()
		log.crash = fmt.Sprintf("%s ended by itself, or someone else ended it: %v", p.name, p.command.ProcessState)
	}
}

// kill ends the process as the death of its machine would.
func (p *process) kill() {
	p.meant.Store(true)
	_ = p.command.Process.Kill()
	<-p.ended
	_ = p.stdin.Close()
}

// stop asks the process to end, and returns how it did.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	p.meant.Store(true)
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stopping %s: %v", p.name, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-p.ended:
	case <-ctx.Done():
		t.Fatalf("%s did not stop in time", p.name)
	}
	return p.err
}
