package api

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/runhook/runhook/protocol"
)

// unreadableNote is shown in place of JSON that cannot be shown. What it belongs to
// keeps its other members, its id among them, and so does the rest of a page.
type unreadableNote struct {
	// Unreadable is why.
	Unreadable string `json:"unreadable"`
}

// mostShown is how deep JSON of the apps may be nested that is shown in lists and to
// people: as deep as is accepted, with what the protocol puts around it. A version
// before accepted more, which not all who read a page can decode.
const mostShown = protocol.MaxDepth + protocol.MaxEnvelopeDepth

// okReadable is ok for lists and for what people are shown: one value in it that
// cannot be shown does not keep the rest from being shown. It may change the value.
func okReadable[T any](w http.ResponseWriter, r *request, value T) error {
	text, err := encodeReadable(&value)
	if err != nil {
		return err
	}
	writeText(w, http.StatusOK, r.shown(text))
	return nil
}

// encodeReadable encodes what a pointer points to after replacing what cannot be shown
// in it.
func encodeReadable(value any) ([]byte, error) {
	replaceUnreadable(reflect.ValueOf(value), whyTooDeep)
	text, err := encodeAnswer(value)
	if err == nil {
		return text, nil
	}
	// That is rare: JSON is checked before it is stored.
	replaceUnreadable(reflect.ValueOf(value), whyUnreadable)
	return encodeAnswer(value)
}

func whyTooDeep(text []byte) string {
	if err := protocol.CheckDepth(text, mostShown); err != nil {
		return "it is " + err.Error()
	}
	return ""
}

func whyUnreadable(text []byte) string {
	if len(text) > 0 && !json.Valid(text) {
		return "it is not JSON, or nested too deeply"
	}
	return ""
}

// replaceUnreadable replaces the JSON in a value that there is a reason not to show.
func replaceUnreadable(value reflect.Value, why func(text []byte) string) {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			replaceUnreadable(value.Elem(), why)
		}
	case reflect.Slice:
		if value.Type() == rawMessage {
			replaceOne(value, why)
			return
		}
		if value.Type().Elem().Kind() != reflect.Uint8 {
			for i := range value.Len() {
				replaceUnreadable(value.Index(i), why)
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			replaceUnreadable(value.MapIndex(key), why) // which changes lists in it
		}
	case reflect.Struct:
		for i := range value.NumField() {
			replaceUnreadable(value.Field(i), why)
		}
	}
}

// readable returns JSON, or a note in place of what cannot be shown.
func readable(text json.RawMessage) json.RawMessage {
	replaceOne(reflect.ValueOf(&text).Elem(), whyTooDeep)
	return text
}

func replaceOne(value reflect.Value, why func(text []byte) string) {
	reason := why(value.Bytes())
	if reason == "" || !value.CanSet() {
		return
	}
	value.SetBytes(noteOf(reason))
}

func noteOf(reason string) json.RawMessage {
	note, err := json.Marshal(unreadableNote{reason})
	if err != nil {
		panic(err) // a text always encodes
	}
	return note
}
