package sse_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/runhook/runhook/internal/sse"
)

// endless is a line that never ends; read counts what was taken of it.
type endless struct{ read int }

func (e *endless) Read(into []byte) (int, error) {
	if e.read > 64<<20 {
		return 0, io.ErrUnexpectedEOF
	}
	for i := range into {
		into[i] = 'x'
	}
	e.read += len(into)
	return len(into), nil
}

func TestAnEventThatIsTooLargeIsPassedOverAndNamed(t *testing.T) {
	t.Parallel()
	for name, large := range map[string]string{
		"in one line":      "data: " + strings.Repeat("x", 200_000) + "\n",
		"in many lines":    strings.Repeat("data: x\n", 20_000),
		"at its beginning": strings.Repeat("y", 200_000) + "\ndata: 1\n",
	} {
		r := sse.NewReader(strings.NewReader("id: 1\nevent: a\n"+large+"\nid: 2\ndata: next\n\n"), 100_000, func() {})
		first, err := r.Next()
		if err != nil || !first.TooLarge || first.ID != "1" || first.Name != "a" || first.Data != nil {
			t.Errorf("%s: the event is %.100v, %v", name, first, err)
		}
		if second, err := r.Next(); err != nil || second.ID != "2" || string(second.Data) != "next" || second.TooLarge {
			t.Errorf("%s: the next event is %.100v, %v", name, second, err)
		}
	}
}

func TestALineThatNeverEndsTakesNoMemory(t *testing.T) {
	from := &endless{}
	r := sse.NewReader(from, 1<<20, func() {})
	allocated := testing.AllocsPerRun(1, func() {
		from.read = 0
		if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the error is %v", err)
		}
	})
	if from.read < 64<<20 || allocated > 100 {
		t.Errorf("%d bytes were read with %v allocations", from.read, allocated)
	}
}

// The reader takes whatever a stream holds, line by line: as many events as there are
// empty lines at the most, made of the bytes that came.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{
		"id: 1\nevent: notification\ndata: {\"a\":1}\n\n", ": still here\n\nid: 2\r\ndata: a\r\ndata: b\r\n\r\n", "data\n\n", "id: 3\n\n",
		"data: cut off", "\n\n\n", "event:x\nid:\ndata:\n\n\n", "\xef\xbb\xbfdata: a\n\n", strings.Repeat("data: x\n", 1000) + "\n",
		"data: " + strings.Repeat("x", 5000) + "\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 4000
		r := sse.NewReader(bytes.NewReader(stream), most, func() {})
		events, size := 0, 0
		for {
			event, err := r.Next()
			if err != nil {
				break
			}
			events++
			size += len(event.ID) + len(event.Name) + len(event.Data)
			if len(event.Data) > most || event.TooLarge && event.Data != nil {
				t.Errorf("an event has %d bytes; it is too large: %t", len(event.Data), event.TooLarge)
			}
			for _, text := range []string{event.ID, event.Name} {
				if strings.Contains(text, "\n") {
					t.Errorf("%q is of several lines", text)
				}
			}
		}
		if lines := bytes.Count(stream, []byte("\n")); events > lines || size > len(stream) {
			t.Errorf("%d events of %d bytes in %d lines of %q", events, size, lines, stream)
		}
	})
}
