package endpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf16"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// maxHandedHeader bounds what the URL and the headers of a request that an app is
// handed take up in the headers of our own: many apps accept no more than 16 KiB of
// those in all.
const maxHandedHeader = 12 << 10

// Fits reports whether a request can be handed to an app: its URL and headers,
// which travel in headers, must not be too large together.
func Fits(request model.IncomingRequest) bool {
	header := handOver("", request)
	return len(header.Get(protocol.HeaderHTTPURL))+len(header.Get(protocol.HeaderHTTPHeaders)) <= maxHandedHeader
}

// handOver returns the headers that describe a request, for the handler that the
// app knows by key (docs/protocol/execution.md §1.5).
func handOver(key string, request model.IncomingRequest) http.Header {
	headers, err := json.Marshal(request.Headers)
	if err != nil {
		panic(fmt.Sprintf("texts by name always encode: %v", err))
	}
	header := http.Header{}
	header.Set(protocol.HeaderSourceKey, headerText(key))
	header.Set(protocol.HeaderHTTPURL, request.URL)
	header.Set(protocol.HeaderHTTPMethod, request.Method)
	header.Set(protocol.HeaderHTTPHeaders, asciiJSON(headers))
	header.Set("Content-Type", "application/octet-stream")
	return header
}

// headerText returns text as the value of a header that the SDKs read with a character
// for each byte, and compare with their own; text that has others stays as it is.
func headerText(text string) string {
	bytes := make([]byte, 0, len(text))
	for _, char := range text {
		if char > 0xff {
			return text
		}
		bytes = append(bytes, byte(char))
	}
	return string(bytes)
}

// asciiJSON returns JSON as the value of a header: on one line, and with escapes for
// what is not ASCII.
func asciiJSON(raw json.RawMessage) string {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return "null" // what is not JSON; nothing of the kind is stored
	}
	var ascii bytes.Buffer
	for _, char := range line.String() {
		switch high, low := utf16.EncodeRune(char); {
		case char < 0x7f:
			ascii.WriteRune(char)
		case char > 0xffff:
			fmt.Fprintf(&ascii, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&ascii, `\u%04x`, char)
		}
	}
	return ascii.String()
}
