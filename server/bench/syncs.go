package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// walCommits returns how many transactions have been committed to a SQLite
// database since it was opened, as the index of its write-ahead log shows: the
// third word of that file counts them. Each commit with synchronous=FULL is one
// sync of the log; checkpoints, which are few, come on top.
//
// The file is not the database: reading it from another process takes no lock
// away from the server.
func walCommits(database string) (uint32, error) {
	file, err := os.Open(database + "-shm")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var words [12]byte
	if _, err := io.ReadFull(file, words[:]); err != nil {
		return 0, fmt.Errorf("read the index of the write-ahead log of %s: %w", database, err)
	}
	return binary.NativeEndian.Uint32(words[8:]), nil
}

// findStrace returns the path of strace if it is there and allowed to trace.
func findStrace(ctx context.Context) string {
	path, err := exec.LookPath("strace")
	if err != nil {
		return ""
	}
	if exec.CommandContext(ctx, path, append(tracing(os.DevNull), "true")...).Run() != nil {
		return ""
	}
	return path
}

// tracing is how strace logs calls that sync. Only these stop the process: the
// kernel filters the others. -D keeps the process our own child.
func tracing(log string) []string {
	return []string{"-D", "-f", "-qq", "--seccomp-bpf", "-o", log,
		"-e", "trace=fsync,fdatasync,sync_file_range,msync,sync,syncfs", "-e", "signal=none", "--"}
}

// syncsIn counts the calls in a log of strace.
func syncsIn(log string) (int, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return 0, err
	}
	if len(text) == 0 {
		return 0, errors.New("strace has seen no sync")
	}
	count := 0
	for line := range bytes.Lines(text) {
		// A call that another thread's line interrupts is logged in two halves.
		if !bytes.Contains(line, []byte("resumed>")) {
			count++
		}
	}
	return count, nil
}
