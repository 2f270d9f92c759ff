package listener

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// refusalInJSON returns a refusal by net/http, which it writes in one piece, with a
// body in JSON. It returns false for anything else. net/http refuses by itself, before
// a request reaches a handler, malformed paths and headers, headers that are too
// long, and versions and transfer encodings that it does not know. It has no hook for
// that.
func refusalInJSON(written []byte) ([]byte, bool) {
	const headers = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	head, _, found := bytes.Cut(written, []byte(headers))
	status, isHTTP := strings.CutPrefix(string(head), "HTTP/1.1 ")
	if !found || !isHTTP {
		return nil, false
	}
	status, reason, _ := strings.Cut(status, ": ")
	message := explainRefusal(status, reason)
	body := errorBody(message)
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body), true
}

func explainRefusal(status, reason string) string {
	code, name, _ := strings.Cut(status, " ")
	switch {
	case reason != "":
		return name + ": " + reason
	case code == "400":
		return name + ": the request line or a header is malformed; in a path, write % as %25 and a blank as %20"
	case code == "431":
		return headerLimits
	case code == "501":
		return name + ": the only transfer encoding is chunked"
	}
	return name
}

// headerLimits says what a request's line and headers may be.
var headerLimits = fmt.Sprintf("Request Header Fields Too Large: they may have %d bytes and %d lines in all", maximumHeader, maximumLines)

// refuse answers with an error, as the API does.
func refuse(w http.ResponseWriter, status int, message string) {
	body := errorBody(message)
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs none
}

// errorBody is an error as all answers have it.
func errorBody(message string) []byte {
	body, err := json.Marshal(map[string]string{"error": message, "message": message})
	if err != nil {
		panic(fmt.Sprintf("texts always encode: %v", err))
	}
	return body
}
