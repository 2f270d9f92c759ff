package testpostgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kill ends every process of the server by SIGKILL, and waits until all are gone:
// none of them writes anything any more or says goodbye to its clients, and the
// next Restart recovers from the log. It needs /proc, as Linux has it.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.kill(t.Context()); err != nil {
		t.Fatalf("killing the test's PostgreSQL server: %v", err)
	}
}

func (s *Server) kill(ctx context.Context) error {
	leader, err := s.processID()
	if err != nil {
		return err
	}
	// One that is stopped begets no more children while they are looked for.
	if err := syscall.Kill(leader, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping process %d: %w", leader, err)
	}
	if err := waitUntil(ctx, []int{leader}, stopped); err != nil {
		return err
	}
	children, err := childrenOf(leader)
	family := append([]int{leader}, children...)
	for _, process := range family {
		if failed := syscall.Kill(process, syscall.SIGKILL); failed != nil && !errors.Is(failed, syscall.ESRCH) {
			err = errors.Join(err, fmt.Errorf("killing process %d: %w", process, failed))
		}
	}
	if err == nil {
		err = waitUntil(ctx, family, unreaped)
	}
	if err != nil {
		return err
	}
	// The number in them may be another process's soon, or remain that of a process
	// that nothing has reaped; PostgreSQL would take either for a server.
	for _, file := range []string{s.processFile(), filepath.Join(s.folder, socket+".lock")} {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("removing what is left of a killed server: %w", err)
		}
	}
	return nil
}

// socket is the file in the server's folder that clients connect to.
const socket = ".s.PGSQL.5432"

// processFile is where the server has written its process id.
func (s *Server) processFile() string { return filepath.Join(s.data(), "postmaster.pid") }

// processID returns the id of the process that all others of the server are
// children of.
func (s *Server) processID() (int, error) {
	text, err := os.ReadFile(s.processFile())
	if err != nil {
		return 0, fmt.Errorf("finding the server's process: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	id, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("finding the server's process: %s begins with %q", s.processFile(), first)
	}
	return id, nil
}

const processes = "/proc"

// childrenOf returns the processes that were begotten by another.
func childrenOf(parent int) (children []int, err error) {
	entries, err := os.ReadDir(processes)
	if err != nil {
		return nil, fmt.Errorf("listing the processes (this needs Linux): %w", err)
	}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // something else than a process
		}
		if _, itsParent, ok := processState(id); ok && itsParent == parent {
			children = append(children, id)
		}
	}
	return children, nil
}

// The states of processes that live no more, or only with SIGCONT.
const (
	stopped  = "T"
	dead     = "X"
	unreaped = "Z"
)

// waitUntil waits until each of the processes is in the state or gone.
func waitUntil(ctx context.Context, family []int, wanted string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const pause = 5 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for left := slices.Clone(family); ; {
		left = slices.DeleteFunc(left, func(process int) bool {
			state, _, ok := processState(process)
			return !ok || state == wanted || state == dead
		})
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("processes %v of the server are not yet in state %s: %w", left, wanted, ctx.Err())
		}
	}
}

// processState returns the state of a process and its parent. ok is false if there
// is no such process.
func processState(id int) (state string, parent int, ok bool) {
	text, err := os.ReadFile(filepath.Join(processes, strconv.Itoa(id), "stat"))
	if err != nil {
		return "", 0, false
	}
	// The name stands in parentheses before, and may contain anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}
