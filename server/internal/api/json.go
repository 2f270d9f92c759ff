package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// writeError answers with an error. The published clients read error, and some
// show message.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{message, message})
}

// writeJSON answers with a value that always encodes, such as one of texts.
func writeJSON(w http.ResponseWriter, status int, value any) {
	text, err := encodeAnswer(value)
	if err != nil {
		panic(fmt.Sprintf("encode an answer of our own: %v", err)) // which is logged, and answered with 500
	}
	writeText(w, status, text)
}

// writeText answers with JSON text.
func writeText(w http.ResponseWriter, status int, text []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

// encodeAnswer encodes a value; users' JSON in it is not escaped.
func encodeAnswer(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return body.Bytes(), nil
}

// okForApp is ok for what an app asks in a run: with the secrets in place of the
// references to them that are kept.
func (a *API) okForApp(w http.ResponseWriter, r *request, value any) error {
	text, err := encodeAnswer(value)
	if err != nil {
		return err
	}
	if text, err = a.Store.OpenSecrets(r.Context(), r.environment.ID, text); err != nil {
		return err
	}
	writeText(w, http.StatusOK, text)
	return nil
}

// ok answers 200, the only success that the published clients know. An error is one
// of encoding the value; nothing was answered then.
func (r *request) ok(w http.ResponseWriter, value any) error {
	text, err := encodeAnswer(value)
	if err != nil {
		return err
	}
	writeText(w, http.StatusOK, r.shown(text))
	return nil
}

// shown returns JSON as callers are shown it: without the references to secrets of
// their environment. Every answer passes through it, whether whole, written piece by
// piece ([jsonWriter]) or streamed ([stream]); the only others are those of okForApp,
// where the secrets themselves stand.
func (r *request) shown(text []byte) []byte {
	if r.environment == nil {
		return text
	}
	return r.api.Store.HideSecrets(r.environment.ID, text)
}

// readJSON decodes the body of a request, which must be a JSON object. Its texts
// name things, so one that cannot be kept as it is is refused.
func readJSON(r *request, into any) error {
	_, err := readJSONText(r, into)
	return err
}

// readJSONText is readJSON that returns the body as well.
func readJSONText(r *request, into any) ([]byte, error) {
	body, err := readObject(r, into)
	if err != nil {
		return nil, err
	}
	return body, checkWhole(body, into)
}

// readKnown is readJSON for our own API, where every member must be known.
func readKnown(r *request, into any) error {
	body, err := readJSONText(r, into)
	if err != nil {
		return err
	}
	return checkMembers(body, into, "known are "+strings.Join(fieldNames(reflect.TypeOf(into).Elem()), ", "))
}

// readShown is readJSON for a request whose texts are shown to people: a character
// in them that cannot be kept is replaced. A job must not fail for what it logs.
func readShown(r *request, into any) error {
	_, err := readObject(r, into)
	return err
}

func readObject(r *request, into any) ([]byte, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(body)) == "null" {
		return nil, model.Errorf(model.Invalid, "Invalid request body: it must be an object, not null")
	}
	return body, decodeJSON(body, into)
}

// decodeJSON decodes a body. What its texts have of U+0000 and of halves of surrogate
// pairs becomes U+FFFD; JSON that is kept as it is keeps them.
func decodeJSON(body []byte, into any) error {
	if !utf8.Valid(body) {
		return model.Errorf(model.Invalid, "Invalid JSON: the request body is not UTF-8 text")
	}
	deep := checkBodyDepth(body)
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return cmp.Or(checkDecoded(body, into), deep) // which may name less of it
	case deep != nil:
		return deep
	case len(bytes.TrimSpace(body)) == 0:
		return model.Errorf(model.Invalid, "Invalid JSON: the request body is empty")
	case errors.As(err, &syntax):
		return model.Errorf(model.Invalid, "Invalid JSON: %v at byte %d of the request body", err, syntax.Offset)
	case errors.As(err, &kind):
		return model.Errorf(model.Invalid, "Invalid request body: %s must be %s, not %s", fieldName(kind.Field), kindName(kind), kind.Value)
	}
	return model.Errorf(model.Invalid, "Invalid request body: %v", err)
}

// checkDecoded refuses what was decoded from a body but is nested too deeply, and
// replaces characters that cannot be kept.
func checkDecoded(body []byte, into any) error {
	if err := checkMemberDepth("", reflect.ValueOf(into)); err != nil {
		return err
	}
	if bytes.Contains(body, []byte(escapedNUL)) {
		replaceNUL(reflect.ValueOf(into))
	}
	return nil
}

// textMember returns a member of a request body that is text and may be left out,
// but not be null. A character in it that cannot be kept is replaced.
func textMember(name string, raw json.RawMessage) (value string, given bool, err error) {
	if raw == nil {
		return "", false, nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", false, model.Errorf(model.Invalid, "Invalid request body: %s must be a string, not %.100s", name, raw)
	}
	return model.KeepableText(*text), true, nil
}

// readDate reads a member of a request body that is a date and may be null or left
// out.
func readDate(name string, raw json.RawMessage, into **protocol.Time) error {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return model.Errorf(model.Invalid, "Invalid request body: %s: %v", name, err)
	}
	return nil
}

func fieldName(field string) string {
	if field == "" {
		return "it"
	}
	return field
}

// kindName returns the JSON name of what a field must be.
func kindName(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "struct", "map":
		return "an object"
	case "slice", "array":
		return "an array"
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	}
	return "a number"
}

// numberParameter returns a query parameter as a number between 1 and most, or usual when
// it is absent.
func numberParameter(r *request, name string, usual, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, model.Errorf(model.Invalid, "Invalid or missing query parameters: %s must be a number, not %q", name, text)
	}
	return min(max(number, 1), most), nil
}

// flagParameter returns a query parameter as a truth value; absent, empty, false
// and 0 are false (docs/protocol/api.md §B16).
func flagParameter(r *request, name string) (bool, error) {
	switch text := r.URL.Query().Get(name); text {
	case "", "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	default:
		return false, model.Errorf(model.Invalid, "Invalid or missing query parameters: %s must be true or false, not %q", name, text)
	}
}
