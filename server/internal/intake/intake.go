// Package intake reads the bodies of requests, and of the answers of those who are
// called, in bounded memory, however many arrive at once and however slowly.
//
// A body costs its reader nothing that matters until it is complete: a short one
// is read into memory at once and counts for nothing, a long one too while there is plenty of room, and
// otherwise leaves to disk (package spool). Only a complete body is loaded, into a
// budget of bytes in memory that holds until the request is answered. So callers
// who withhold the end of their bodies use up disk of a budget, and no memory.
//
// Each class of callers has a [Room] with budgets of its own, for all and for each
// environment: callers who are unknown cannot use up what those with a key need,
// and neither what executions under way need. A room either refuses what does not
// fit, waits for a while, or waits for as long as its caller does.
package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/spool"
)

const (
	// short is how long a body may be, in bytes, to count against no budget: less than
	// what its connection costs, whose number is bounded. So a large body, such as a
	// bulk send, does not hold up the many small requests of its environment.
	short = 4 << 10
	// chunk is how much of a long body is in memory while it arrives.
	chunk = 32 << 10
)

// ErrSpool means that a body could not be kept on disk.
var ErrSpool = errors.New("a request body cannot be kept on disk")

// TooLargeError means that a body is larger than is allowed.
type TooLargeError struct {
	// Most is how many bytes are allowed.
	Most int64
}

// Error says how large a body may be.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the request body is larger than the %d bytes that are allowed", e.Most)
}

// BusyError means that too many bytes of other bodies are being worked on, of the
// same environment or of all. The request may be sent again.
type BusyError struct {
	// OfGroup is set when the caller's own environment uses up its share.
	OfGroup bool
	err     error
}

// Error says what does not fit.
func (e *BusyError) Error() string { return "read a request body: " + e.err.Error() }

// Unwrap returns the budget's error.
func (e *BusyError) Unwrap() error { return e.err }

// Forever is the patience of a room that waits for as long as the caller does.
const Forever time.Duration = -1

// Limits bound a room.
type Limits struct {
	// Memory is how many bytes of complete bodies are in memory at once, and Disk
	// how many bytes of bodies are on disk; half of each for one environment. A
	// body above a limit is read while there is no other.
	Memory, Disk int64
	// Patience is how long a body waits for room: 0 not at all, or Forever.
	Patience time.Duration
}

// Rooms are those of a server.
type Rooms struct {
	// Public is for callers who know an address and have no key, Keyed for those with
	// a key, and Executions for what apps report of executions under way.
	Public, Keyed, Executions *Room
}

// Room reads the bodies of one class of callers. It may be used concurrently.
type Room struct {
	patience time.Duration
	spool    *spool.File
	// memory is what complete bodies take, arriving what incomplete ones do.
	memory, arriving, disk *budget.Budget[string]
	// direct is the longest body that is read into memory as it arrives.
	direct int64
}

// NewRoom returns a room that spools to a file.
func NewRoom(limits Limits, file *spool.File) *Room {
	const shareOfArriving, shareOfOne = 2, 16
	return &Room{
		patience: limits.Patience, spool: file,
		memory:   budget.New[string](limits.Memory, limits.Memory/2),
		arriving: budget.New[string](limits.Memory/shareOfArriving, limits.Memory/shareOfArriving/2),
		disk:     budget.New[string](limits.Disk, limits.Disk/2),
		direct:   limits.Memory / shareOfOne,
	}
}

// Body is the body of a request, which counts against its room's budget until it
// is released.
type Body struct {
	Bytes []byte
	room  *Room
	group string
}

// Release gives back what the body counts for. Its bytes are not to be used after.
// It may be called on nil, and again.
func (b *Body) Release() {
	if b == nil || b.room == nil {
		return
	}
	b.room.memory.Release(b.group, int64(len(b.Bytes)))
	b.room, b.Bytes = nil, nil
}

// Read reads a body of at most so many bytes on behalf of an environment. length is
// what the request says of it, -1 for nothing. The error is a [*TooLargeError], a
// [*BusyError], that of ctx, [ErrSpool], or wraps that of reading.
func (r *Room) Read(ctx context.Context, environment string, from io.Reader, length, most int64) (*Body, error) {
	switch {
	case length > most:
		return nil, &TooLargeError{most}
	case length == 0:
		return &Body{}, nil
	case length > 0 && length <= short:
		text := make([]byte, length)
		if _, err := io.ReadFull(from, text); err != nil {
			return nil, fmt.Errorf("read the request body: %w", err)
		}
		return &Body{Bytes: text}, nil
	case length > 0 && length <= r.direct && r.arriving.TryAcquire(environment, length) == nil:
		defer r.arriving.Release(environment, length)
		return r.readDirectly(ctx, environment, from, length)
	}
	return r.readSpooled(ctx, environment, from, length, most)
}

// readDirectly reads a body of known length into memory.
func (r *Room) readDirectly(ctx context.Context, environment string, from io.Reader, length int64) (*Body, error) {
	text := make([]byte, length)
	if _, err := io.ReadFull(from, text); err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	if err := r.acquire(ctx, r.memory, environment, length); err != nil {
		return nil, err
	}
	return &Body{Bytes: text, room: r, group: environment}, nil
}

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// readSpooled reads a body that may be long to disk, and loads it once it is whole.
func (r *Room) readSpooled(ctx context.Context, environment string, from io.Reader, length, most int64) (*Body, error) {
	a := arrival{room: r, ctx: ctx, environment: environment, most: most}
	defer a.close()
	if r.patience == Forever {
		// Who waits for more while holding some may wait for one who does the same.
		if length < 0 {
			length = most
		}
		a.whole = length
	}
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	head, err := a.receive(from, buffer[:])
	if err != nil {
		return nil, err
	}
	size := int64(len(head))
	switch {
	case a.stream != nil:
		size = a.stream.Size()
	case size <= short:
		return &Body{Bytes: bytes.Clone(head)}, nil
	}
	if err := r.acquire(ctx, r.memory, environment, size); err != nil {
		return nil, err
	}
	body := &Body{Bytes: make([]byte, size), room: r, group: environment}
	if a.stream == nil {
		copy(body.Bytes, head)
		return body, nil
	}
	if err := a.stream.ReadInto(body.Bytes); err != nil {
		body.Release()
		return nil, fmt.Errorf("%w: %w", ErrSpool, err)
	}
	return body, nil
}

// arrival is a body on its way to disk.
type arrival struct {
	room        *Room
	ctx         context.Context
	environment string
	most        int64
	// whole is how much is reserved at once, before anything is written; 0 for as much
	// as is written.
	whole, reserved int64
	stream          *spool.Stream
}

// receive reads a body to its end. One that fits into the buffer is returned in it;
// a longer one is in the stream.
func (a *arrival) receive(from io.Reader, buffer []byte) (head []byte, err error) {
	var received int64
	for n := 0; ; {
		k, err := from.Read(buffer[n:])
		n += k
		if received += int64(k); received > a.most {
			return nil, &TooLargeError{a.most}
		}
		ended := errors.Is(err, io.EOF)
		switch {
		case err != nil && !ended:
			return nil, fmt.Errorf("read the request body: %w", err)
		case ended && a.stream == nil:
			return buffer[:n], nil
		case ended || n == len(buffer):
			if err := a.write(buffer[:n]); err != nil {
				return nil, err
			}
			n = 0
		}
		if ended {
			return nil, nil
		}
	}
}

// write adds to what is on disk.
func (a *arrival) write(text []byte) error {
	if a.stream == nil {
		if a.whole > 0 {
			if err := a.reserve(a.whole); err != nil {
				return err
			}
		}
		a.stream = a.room.spool.Stream()
	}
	if missing := a.stream.Size() + int64(len(text)) - a.reserved; missing > 0 {
		blocks := (missing + spool.BlockSize - 1) / spool.BlockSize * spool.BlockSize
		if err := a.reserve(blocks); err != nil {
			return err
		}
	}
	if _, err := a.stream.Write(text); err != nil {
		return fmt.Errorf("%w: %w", ErrSpool, err)
	}
	return nil
}

func (a *arrival) reserve(size int64) error {
	if err := a.room.acquire(a.ctx, a.room.disk, a.environment, size); err != nil {
		return err
	}
	a.reserved += size
	return nil
}

func (a *arrival) close() {
	if a.stream != nil {
		_ = a.stream.Close() // which never fails
	}
	if a.reserved > 0 {
		a.room.disk.Release(a.environment, a.reserved)
	}
}

// acquire takes from a budget with the room's patience. The error is a BusyError
// when that has run out.
func (r *Room) acquire(ctx context.Context, from *budget.Budget[string], environment string, size int64) error {
	err := from.TryAcquire(environment, size)
	if err == nil {
		return nil
	}
	if r.patience != 0 {
		waiting, stop := ctx, context.CancelFunc(func() {})
		if r.patience > 0 {
			waiting, stop = context.WithTimeout(ctx, r.patience)
		}
		defer stop()
		if from.Acquire(waiting, environment, size) == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	exceeded, ok := errors.AsType[*budget.ExceededError](err)
	return &BusyError{OfGroup: ok && exceeded.Group, err: err}
}
