// Package sse reads server-sent events, for the SDK and the commands, in bounded memory
// whatever a stream holds. A Reader is for one goroutine.
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxBytes bounds an event of our own streams, in bytes. The server sends none that is
// as large: the largest notification has tens of megabytes, and its item in the feed has
// it twice.
const MaxBytes = 256 << 20

// Event is one event of a stream.
type Event struct {
	// ID is where to resume after it; empty if the event is no place in the stream.
	ID string
	// Name is the event's; empty if it has none.
	Name string
	Data []byte
	// TooLarge is set for an event above the bound, which has no data then.
	TooLarge bool
}

// Reader reads the events of a stream.
type Reader struct {
	lines *bufio.Reader
	most  int
	alive func()
}

// NewReader returns a reader of events of at most so many bytes. alive is called
// whenever something has arrived.
func NewReader(from io.Reader, most int, alive func()) *Reader {
	return &Reader{lines: bufio.NewReader(from), most: most, alive: alive}
}

// Next returns the next event that has data or an ID. Of one that is larger than the
// reader's bound, the data is passed over. The error is that of reading, and an event
// that was cut off is none.
func (r *Reader) Next() (event Event, err error) {
	var data [][]byte
	for left := r.most; ; {
		line, whole, err := r.line(left)
		if err != nil {
			return Event{}, err
		}
		if !whole {
			event.TooLarge, data = true, nil
			continue
		}
		left -= len(line)
		if len(line) == 0 {
			if data == nil && event.ID == "" && !event.TooLarge {
				event, left = Event{}, r.most
				continue
			}
			if !event.TooLarge {
				event.Data = bytes.Join(data, []byte("\n"))
			}
			return event, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			event.ID = string(value)
		case "event":
			event.Name = string(value)
		case "data":
			data = append(data, value)
		}
	}
}

// line returns the next line without its end. One of more bytes is read to its end, and
// is not whole.
func (r *Reader) line(most int) (line []byte, whole bool, err error) {
	whole = true
	for {
		piece, err := r.lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, false, err
		}
		r.alive()
		if whole = whole && len(line)+len(piece) <= most+len("\r\n"); whole {
			line = append(line, piece...)
		} else {
			line = nil
		}
		if err == nil {
			return bytes.TrimRight(line, "\r\n"), whole, nil
		}
	}
}
