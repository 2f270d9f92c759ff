package fetch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/model"
)

// answer is what came back, after redirects.
type answer struct {
	status int
	header http.Header
	body   []byte
	// held is what the body counts for in memory; nil for none.
	held *intake.Body
}

func (a *answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// text returns the body without what may stand around JSON.
func (a *answer) text() []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(a.body, []byte("\ufeff")))
}

// tooDeep reports whether the body is JSON that is nested too deeply to be kept.
func (a *answer) tooDeep() bool {
	return model.NestedTooDeeply(a.body)
}

// json returns the body if it is JSON that can be kept, else nil. Nothing in it is
// changed but bytes that are not UTF-8.
func (a *answer) json() json.RawMessage {
	body := a.text()
	if a.tooDeep() || !json.Valid(body) {
		return nil
	}
	return bytes.ToValidUTF8(body, []byte("\ufffd"))
}

// headers returns the headers as one JSON object, names in lower case.
func (a *answer) headers() json.RawMessage {
	members := make(map[string]string, len(a.header))
	for name, values := range a.header {
		members[strings.ToLower(name)] = protocol.HeaderValue(name, values)
	}
	return encode(members)
}

// longestMessage bounds the text of a body that an error's message holds, in bytes.
const longestMessage = 64 << 10

// errorOutput returns the output of a task that fails with this answer, which
// must read as an error: the body if it does, or if it is an object that does
// once it has a message; else an error with the body beside it. The message that a
// body does not have is its JSON, as the Node SDK would make it of the body.
func (a *answer) errorOutput() json.RawMessage {
	body := a.json()
	if isFalsy(body) {
		return errorJSON(fmt.Sprintf("Fetch failed with status %d", a.status))
	}
	message := compact(body)
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && hasTexts(members, "message", "name", "stack") {
		if _, ok := members["message"]; ok {
			return body
		}
		return withMessage(body, message)
	}
	return encode(struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}{message, body})
}

// compact returns JSON without blanks between its parts, cut where a character ends
// if it is very long.
func compact(body json.RawMessage) string {
	var text bytes.Buffer
	if err := json.Compact(&text, body); err != nil {
		return string(body) // which a.json found to be JSON
	}
	if text.Len() <= longestMessage {
		return text.String()
	}
	return strings.ToValidUTF8(text.String()[:longestMessage], "") + "..."
}

// hasTexts reports whether the named members are text or absent.
func hasTexts(members map[string]json.RawMessage, names ...string) bool {
	for _, name := range names {
		if raw, ok := members[name]; ok && raw[0] != '"' {
			return false
		}
	}
	return true
}

// withMessage returns an object with a message before its other members, which
// are kept as they are.
func withMessage(object json.RawMessage, message string) json.RawMessage {
	head := bytes.TrimSuffix(errorJSON(message), []byte("}"))
	rest := bytes.TrimSpace(object[1:])
	if string(rest) != "}" {
		head = append(head, ',')
	}
	return append(head, rest...)
}

// isFalsy reports whether JavaScript takes a JSON value, or none, for false.
func isFalsy(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", `""`:
		return true
	}
	var number float64
	return json.Unmarshal(raw, &number) == nil && number == 0
}

func errorJSON(message string) json.RawMessage {
	return encode(map[string]string{"message": message})
}

// encode writes JSON without escaping what only HTML needs escaped.
func encode(value any) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("fetch: encoding a value of its own: " + err.Error())
	}
	return bytes.TrimRight(text.Bytes(), "\n")
}
