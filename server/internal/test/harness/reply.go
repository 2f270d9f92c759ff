package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Reply is what an app or a receiver answers.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	// Raw, if not empty, is what is sent in place of an answer, status line and all;
	// then the connection is closed.
	Raw string
	// Hang keeps the request unanswered until the caller leaves.
	Hang bool
	// Drop breaks the connection off in the middle of the answer.
	Drop bool
}

// HTTP returns a reply with a status. headers are names and values in turn.
func HTTP(status int, body string, headers ...string) Reply {
	reply := Reply{Status: status, Body: body, Header: http.Header{}}
	for pair := range slices.Chunk(headers, 2) {
		reply.Header.Set(pair[0], pair[1])
	}
	return reply
}

// JSON returns a reply of 200 with the value as JSON; a string is sent as it is.
func JSON(value any) Reply {
	text, ok := value.(string)
	if !ok {
		encoded, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("a reply that is not JSON: %v", err))
		}
		text = string(encoded)
	}
	return HTTP(http.StatusOK, text, "Content-Type", "application/json", "Trigger-Version", "2023-09-29", "Trigger-Sdk-Version", "2.3.18")
}

// Success returns the SUCCESS of an execution; an empty output stands for none.
func Success(output string) Reply {
	if output == "" {
		return JSON(`{"status":"SUCCESS"}`)
	}
	return JSON(`{"status":"SUCCESS","output":` + output + `}`)
}

func (r Reply) write(w http.ResponseWriter, request *http.Request) {
	switch {
	case r.Hang:
		<-request.Context().Done()
		panic(http.ErrAbortHandler)
	case r.Drop:
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if r.Raw != "" {
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = buffered.WriteString(r.Raw)
		_ = buffered.Flush()
		_ = connection.Close()
		return
	}
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write([]byte(r.Body)) // a caller that left is no concern of the reply
}

// Replies returns a reply so many times.
func Replies(n int, reply Reply) []Reply {
	list := make([]Reply, n)
	for i := range list {
		list[i] = reply
	}
	return list
}
