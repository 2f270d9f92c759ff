package runhook

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// The reader of server-sent events takes whatever a stream holds, line by line: as
// many events as there are empty lines at the most, made of the bytes that came.
func FuzzReadEvent(f *testing.F) {
	for _, seed := range []string{
		"id: 1\nevent: notification\ndata: {\"a\":1}\n\n", ": still here\n\nid: 2\r\ndata: a\r\ndata: b\r\n\r\n", "data\n\n", "id: 3\n\n",
		"data: cut off", "\n\n\n", "event:x\nid:\ndata:\n\n\n", "\xef\xbb\xbfdata: a\n\n", strings.Repeat("data: x\n", 1000) + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		reader := bufio.NewReader(bytes.NewReader(stream))
		events, lines, size := 0, 0, 0
		for {
			event, err := readEvent(reader, func() { lines++ })
			if err != nil {
				break
			}
			events++
			size += len(event.id) + len(event.kind) + len(event.data)
			for _, text := range []string{event.id, event.kind} {
				if strings.Contains(text, "\n") {
					t.Errorf("%q is of several lines", text)
				}
			}
		}
		if lines != bytes.Count(stream, []byte("\n")) || events > lines || size > len(stream) {
			t.Errorf("%d events of %d bytes in %d lines of %q", events, size, lines, stream)
		}
	})
}
