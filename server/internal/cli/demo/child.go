package demo

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ServerCommand is the argument with which the demo starts its own program as a
// server: "serve", except that it stops when its standard input is closed and
// leaves signals to the demo.
const ServerCommand = "demo-server"

const (
	// startTimeout is how long a server may take to serve, or to free the address
	// of the one before it.
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	startPause   = 50 * time.Millisecond
	// keptLines is how many lines of a server's log are shown when it fails.
	keptLines = 8
)

// launcher starts servers on one database.
type launcher struct {
	program  string
	database string
	apiKey   string
}

// child is a server that runs as a child process.
type child struct {
	address string
	command *exec.Cmd
	input   io.Closer
	// exited is closed when the process has ended and been waited for.
	exited chan struct{}

	mu   sync.Mutex
	tail []string
}

// start starts a server and returns when it serves. The port of the address may
// be 0. One that is taken is tried again for a while: what the system does with
// a port between two servers is not for the demo to say.
func (s *launcher) start(ctx context.Context, address string) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		c, err := s.startOnce(ctx, address)
		if err == nil || !strings.Contains(err.Error(), ": bind: ") {
			return c, err
		}
		timer := time.NewTimer(startPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

func (s *launcher) startOnce(ctx context.Context, address string) (*child, error) {
	command := exec.Command(s.program, ServerCommand, "--addr="+address, "--db=sqlite:"+s.database,
		"--log-format=json", "--log-level=info", "--grace=2s")
	command.Env = environment(s.apiKey)
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	log, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	c := &child{command: command, input: input, exited: make(chan struct{})}
	serving := make(chan string, 1)
	go c.follow(log, serving)
	select {
	case c.address = <-serving:
		return c, nil
	case <-c.exited:
		return nil, c.failure("the server did not start")
	case <-ctx.Done():
		c.kill()
		return nil, fmt.Errorf("the server did not start: %w", context.Cause(ctx))
	}
}

// environment is that of the demo without settings meant for other servers.
func environment(apiKey string) []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(strings.ToUpper(variable), "RUNHOOK_") {
			kept = append(kept, variable)
		}
	}
	return append(kept, "RUNHOOK_DEV_API_KEY="+apiKey)
}

// follow reads the server's log until the process has ended. The first address
// it says it serves goes to serving.
func (c *child) follow(log io.Reader, serving chan<- string) {
	defer close(c.exited)
	lines := bufio.NewReader(log)
	for {
		text, err := lines.ReadString('\n')
		if text = strings.TrimSpace(text); text != "" {
			if address := c.note(text); address != "" {
				select {
				case serving <- address:
				default:
				}
			}
		}
		if err != nil {
			break
		}
	}
	c.command.Wait() // how a killed process ended is no news
}

// note keeps a line for when the server fails. It returns the address that the
// line reports, if it does.
func (c *child) note(text string) (address string) {
	var line struct {
		Level   string `json:"level"`
		Message string `json:"msg"`
		Address string `json:"address"`
		Err     string `json:"err"`
	}
	if json.Unmarshal([]byte(text), &line) == nil {
		if line.Message == "serving" {
			return line.Address
		}
		if line.Level == "INFO" {
			return ""
		}
		text = strings.TrimSuffix(line.Message+": "+line.Err, ": ")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tail = append(c.tail, text)
	c.tail = c.tail[max(0, len(c.tail)-keptLines):]
	return ""
}

// failure returns an error with the last that the server said.
func (c *child) failure(what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.New(what + ": " + cmp.Or(strings.Join(c.tail, "\n"), c.command.ProcessState.String()))
}

func (c *child) pid() int { return c.command.Process.Pid }

// kill ends the process with SIGKILL, or the like of it, and waits for its end.
func (c *child) kill() error {
	err := c.command.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	<-c.exited
	c.input.Close()
	return nil
}

// stop has the server stop as after a SIGTERM, and waits for its end.
func (c *child) stop() error {
	c.input.Close()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.exited:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("the server did not stop within %v and was killed", stopTimeout), c.kill())
	}
}
