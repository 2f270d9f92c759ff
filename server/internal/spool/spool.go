// Package spool keeps bytes that arrive at the sender's pace on disk instead of in
// memory. All streams share one file, so that thousands of slow senders hold one
// descriptor. The file has no name where the system allows it, and is otherwise
// removed on Close, so a crash leaves nothing behind; nothing in it outlives the
// process.
//
// How much is on disk at once is for the caller to bound: a stream takes whole
// blocks of [BlockSize], which are used again once it is closed.
package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// BlockSize is the size of the pieces, in bytes, that the file is handed out in.
const BlockSize = 64 << 10

// keptFile is how large the file may stay, in bytes, while no stream is open.
const keptFile = 16 << 20

// ErrClosed means that the file or the stream was closed.
var ErrClosed = errors.New("the spool is closed")

// File is where streams are kept. It may be used concurrently.
type File struct {
	file *os.File
	// name is empty once the file has none.
	name string

	mu     sync.Mutex
	closed bool
	// blocks is how many the file has; free are those that no stream has.
	blocks int64
	free   []int64
	open   int
}

// Open makes a file in a folder, which is made if need be; in the system's for
// temporary files if it is empty.
func Open(folder string) (*File, error) {
	if folder == "" {
		folder = os.TempDir()
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the spool: %w", err)
	}
	file, err := os.CreateTemp(folder, ".runhook-spool-*")
	if err != nil {
		return nil, fmt.Errorf("make the spool in %s: %w", folder, err)
	}
	f := &File{file: file, name: file.Name()}
	if os.Remove(f.name) == nil {
		f.name = ""
	}
	return f, nil
}

// Close discards the file. Streams that are open fail from then on.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	err := f.file.Close()
	if f.name != "" {
		err = errors.Join(err, os.Remove(f.name))
	}
	return err
}

// Size returns how large the file is, in bytes.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blocks * BlockSize
}

// take returns a block that no other stream has.
func (f *File) take() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, ErrClosed
	}
	if last := len(f.free) - 1; last >= 0 {
		block := f.free[last]
		f.free = f.free[:last]
		return block, nil
	}
	f.blocks++
	return f.blocks - 1, nil
}

// give takes the blocks of a stream that is done, and the disk's space back when
// it was the last.
func (f *File) give(blocks []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = append(f.free, blocks...)
	if f.open--; f.open > 0 || f.closed || f.blocks*BlockSize <= keptFile {
		return
	}
	if f.file.Truncate(0) == nil { // or it stays as large as it is
		f.blocks, f.free = 0, nil
	}
}

// Stream is a sequence of bytes. It is for one goroutine.
type Stream struct {
	in     *File
	blocks []int64
	size   int64
	closed bool
}

var (
	_ io.Writer   = (*Stream)(nil)
	_ io.WriterTo = (*Stream)(nil)
)

// Stream returns an empty stream, which must be closed.
func (f *File) Stream() *Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open++
	return &Stream{in: f}
}

// Size returns how many bytes were written.
func (s *Stream) Size() int64 { return s.size }

// Write adds bytes at the end.
func (s *Stream) Write(text []byte) (written int, err error) {
	if s.closed {
		return 0, ErrClosed
	}
	for len(text) > 0 {
		within := s.size % BlockSize
		if within == 0 {
			block, err := s.in.take()
			if err != nil {
				return written, err
			}
			s.blocks = append(s.blocks, block)
		}
		piece := text[:min(int64(len(text)), BlockSize-within)]
		n, err := s.in.file.WriteAt(piece, s.blocks[len(s.blocks)-1]*BlockSize+within)
		if err != nil {
			// What came of this piece is unknown, so the stream ends here.
			return written, errors.Join(fmt.Errorf("write to the spool: %w", err), s.Close())
		}
		written += n
		s.size += int64(n)
		text = text[n:]
	}
	return written, nil
}

// ReadInto reads the whole stream into memory of its size.
func (s *Stream) ReadInto(text []byte) error {
	if s.closed {
		return ErrClosed
	}
	if int64(len(text)) != s.size {
		return fmt.Errorf("read the spool: %d bytes were written, not %d", s.size, len(text))
	}
	for _, block := range s.blocks {
		piece := text[:min(len(text), BlockSize)]
		if _, err := s.in.file.ReadAt(piece, block*BlockSize); err != nil {
			return fmt.Errorf("read the spool: %w", err)
		}
		text = text[len(piece):]
	}
	return nil
}

// WriteTo writes the whole stream, and has a block of it in memory at a time.
func (s *Stream) WriteTo(w io.Writer) (written int64, err error) {
	if s.closed {
		return 0, ErrClosed
	}
	buffer := make([]byte, min(s.size, BlockSize))
	for i, block := range s.blocks {
		piece := buffer[:min(s.size-int64(i)*BlockSize, BlockSize)]
		if _, err := s.in.file.ReadAt(piece, block*BlockSize); err != nil {
			return written, fmt.Errorf("read the spool: %w", err)
		}
		n, err := w.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Close gives back what the stream takes on disk. It never fails, and may be called
// again.
func (s *Stream) Close() error {
	if !s.closed {
		s.closed = true
		s.in.give(s.blocks)
	}
	return nil
}
