// Package answer makes answers that may be large in bounded memory, whoever asks for
// them and however slowly they are read.
//
// What is loaded for an answer counts against a budget of bytes in memory until the
// answer is made ([Room.Load]). The answer itself is kept on disk beyond its beginning
// (package spool), within a budget of its own, and is sent once it is whole: so an error
// on the way is still an error's answer, and a slow reader holds disk, not memory. Both
// budgets are divided among environments; who does not fit waits for a while.
package answer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/spool"
)

const (
	// PageBytes is how many bytes the texts of a page have together at the most, if it
	// has more than one item.
	PageBytes = 2 << 20
	// short is how much of an answer is in memory, in bytes.
	short = 64 << 10
)

// ErrSpool means that an answer could not be kept on disk.
var ErrSpool = errors.New("an answer cannot be kept on disk")

// Limits bound a room.
type Limits struct {
	// Memory is how many bytes answers under way take in memory, and Disk how many on
	// disk; half of each for one environment. One above a limit is made while there is
	// no other.
	Memory, Disk int64
	// Patience is how long one waits for room.
	Patience time.Duration
}

// Room is where answers are made. It may be used concurrently.
type Room struct {
	patience     time.Duration
	spool        *spool.File
	memory, disk *budget.Budget[string]
}

// NewRoom returns a room that spools to a file.
func NewRoom(limits Limits, file *spool.File) *Room {
	return &Room{
		patience: limits.Patience, spool: file,
		memory: budget.New[string](limits.Memory, limits.Memory/2),
		disk:   budget.New[string](limits.Disk, limits.Disk/2),
	}
}

// shortage ends the making of an answer for which there is no room in memory now.
type shortage struct {
	// bytes is how many it needs in all.
	bytes int64
	err   error
}

func (s *shortage) Error() string { return s.err.Error() }
func (s *shortage) Unwrap() error { return s.err }

// Load calls load, which asks reserve for room before it loads bytes, and may load no
// more if that fails. It is called again when there is room. What it has loaded is not
// to be used after it has returned. The error is load's, that of ctx, or wraps
// [budget.ExceededError] when there was no room for too long.
func (r *Room) Load(ctx context.Context, environment string, load func(reserve func(bytes int64) error) error) error {
	var held int64
	defer func() { r.give(environment, held) }()
	for {
		var used int64
		err := load(func(bytes int64) error {
			used += bytes * budget.Copies
			if used <= held {
				return nil
			}
			if err := r.memory.TryAcquire(environment, used-held); err != nil {
				return &shortage{used, err}
			}
			held = used
			return nil
		})
		lack, ok := errors.AsType[*shortage](err)
		if !ok {
			return err
		}
		r.give(environment, held)
		held = 0
		if err := wait(ctx, r.memory, environment, lack.bytes, r.patience); err != nil {
			return fmt.Errorf("make an answer: %w", cmp.Or(ctx.Err(), lack.err))
		}
		held = lack.bytes
	}
}

// wait acquires an amount within a time.
func wait(ctx context.Context, from *budget.Budget[string], environment string, amount int64, patience time.Duration) error {
	waited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return from.Acquire(waited, environment, amount)
}

func (r *Room) give(environment string, bytes int64) {
	if bytes > 0 {
		r.memory.Release(environment, bytes)
	}
}

// Answer is an answer that is being made. It is for one goroutine, and must be closed.
type Answer struct {
	room        *Room
	environment string
	head        []byte
	stream      *spool.Stream
	reserved    int64
}

var _ io.Writer = (*Answer)(nil)

// New returns an empty answer.
func (r *Room) New(environment string) *Answer {
	return &Answer{room: r, environment: environment}
}

// Expect waits until an answer of so many bytes fits on the disk. To be called before
// what cannot be undone is done. The error is as of [Room.Load].
func (a *Answer) Expect(ctx context.Context, bytes int64) error {
	if bytes <= short {
		return nil
	}
	if err := a.room.disk.TryAcquire(a.environment, bytes); err != nil {
		if wait(ctx, a.room.disk, a.environment, bytes, a.room.patience) != nil {
			return fmt.Errorf("keep an answer: %w", cmp.Or(ctx.Err(), err))
		}
	}
	a.reserved += bytes
	return nil
}

// Write adds to the answer.
func (a *Answer) Write(text []byte) (int, error) {
	if a.stream == nil && len(a.head)+len(text) <= short {
		a.head = append(a.head, text...)
		return len(text), nil
	}
	if a.stream == nil {
		a.stream = a.room.spool.Stream()
	}
	if missing := a.stream.Size() + int64(len(text)) - a.reserved; missing > 0 {
		blocks := (missing + spool.BlockSize - 1) / spool.BlockSize * spool.BlockSize
		if err := a.room.disk.TryAcquire(a.environment, blocks); err != nil {
			return 0, fmt.Errorf("keep an answer: %w", err)
		}
		a.reserved += blocks
	}
	n, err := a.stream.Write(text)
	if err != nil {
		return n, fmt.Errorf("%w: %w", ErrSpool, err)
	}
	return n, nil
}

// Size returns how many bytes the answer has.
func (a *Answer) Size() int64 {
	size := int64(len(a.head))
	if a.stream != nil {
		size += a.stream.Size()
	}
	return size
}

// WriteTo writes the whole answer.
func (a *Answer) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(a.head)
	if err != nil || a.stream == nil {
		return int64(n), err
	}
	m, err := a.stream.WriteTo(w)
	return int64(n) + m, err
}

// Reset empties the answer, and keeps its room on the disk until it is closed.
func (a *Answer) Reset() {
	a.head = a.head[:0]
	if a.stream != nil {
		_ = a.stream.Close() // which never fails
		a.stream = nil
	}
}

// Close gives back what the answer takes. It never fails, and may be called again.
func (a *Answer) Close() error {
	a.Reset()
	if a.reserved > 0 {
		a.room.disk.Release(a.environment, a.reserved)
		a.reserved = 0
	}
	return nil
}
