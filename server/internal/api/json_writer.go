package api

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"unicode/utf8"
)

// jsonWriter writes a JSON object piece by piece, so that no more of it is in memory
// than one member or one item of a list. What cannot be shown is replaced, as in
// [encodeReadable]. The first error ends the writing, and is kept.
type jsonWriter struct {
	to io.Writer
	// shown returns JSON as callers are shown it.
	shown func(text []byte) []byte
	err   error
	// comma is set where another member or item follows one.
	comma bool
}

// longText is a text that is written piece by piece.
type longText []byte

func (j *jsonWriter) write(text []byte) {
	if j.err == nil {
		_, j.err = j.to.Write(text)
	}
}

func (j *jsonWriter) text(text string) { j.write([]byte(text)) }

// next begins a member or an item.
func (j *jsonWriter) next() {
	if j.comma {
		j.text(",")
	}
	j.comma = true
}

func (j *jsonWriter) open() {
	j.text("{")
	j.comma = false
}

func (j *jsonWriter) close() {
	j.text("}")
	j.comma = true
}

// end closes the object that is the whole answer.
func (j *jsonWriter) end() {
	j.close()
	j.text("\n")
}

// members writes those of a value that is encoded as an object.
func (j *jsonWriter) members(of any) {
	text, ok := j.encoded(of)
	if !ok {
		return
	}
	if inner := text[1 : len(text)-1]; len(inner) > 0 {
		j.next()
		j.write(inner)
	}
}

func (j *jsonWriter) name(name string) {
	j.next()
	text, _ := j.encoded(name)
	j.write(text)
	j.text(":")
}

// member writes a member. Of JSON and of a [longText] no copy is made.
func (j *jsonWriter) member(name string, value any) {
	j.name(name)
	switch value := value.(type) {
	case json.RawMessage:
		j.raw(j.shown(value))
	case longText:
		j.long(j.shown(value))
	default:
		text, _ := j.encoded(value)
		j.write(text)
	}
}

// encoded returns a value as JSON, without a line's end.
func (j *jsonWriter) encoded(value any) ([]byte, bool) {
	if j.err != nil {
		return nil, false
	}
	if of := reflect.ValueOf(value); of.IsValid() && of.Kind() != reflect.Pointer {
		// What cannot be shown can only be replaced in what has an address.
		copied := reflect.New(of.Type())
		copied.Elem().Set(of)
		value = copied.Interface()
	}
	text, err := encodeReadable(value)
	if err != nil {
		j.err = err
		return nil, false
	}
	return j.shown(bytes.TrimSuffix(text, []byte("\n"))), true
}

// raw writes JSON without the white space between its values.
func (j *jsonWriter) raw(value json.RawMessage) {
	if value == nil {
		j.text("null")
		return
	}
	if reason := whyTooDeep(value); reason != "" {
		value = noteOf(reason)
	} else if !json.Valid(value) {
		value = noteOf(whyUnreadable(value))
	}
	from, inText := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			j.write(value[from:i])
			from = i + 1
		}
	}
	j.write(value[from:])
}

// long writes a text piece by piece.
func (j *jsonWriter) long(text []byte) {
	const piece = 16 << 10
	j.text(`"`)
	for len(text) > 0 && j.err == nil {
		n := min(piece, len(text))
		for n < len(text) && n > piece-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		encoded, ok := j.encoded(string(text[:n]))
		if ok {
			j.write(encoded[1 : len(encoded)-1])
		}
		text = text[n:]
	}
	j.text(`"`)
}

// writeList writes a member that is a list, item by item.
func writeList[T any](j *jsonWriter, name string, items []T) {
	j.list(name, func() {
		for i := range items {
			j.item(&items[i])
		}
	})
}

// list writes a member that is a list, whose items write writes.
func (j *jsonWriter) list(name string, write func()) {
	j.name(name)
	j.text("[")
	j.comma = false
	write()
	j.text("]")
	j.comma = true
}

// item writes an item of a list. What a pointer points to may be changed.
func (j *jsonWriter) item(value any) {
	j.next()
	text, _ := j.encoded(value)
	j.write(text)
}
