package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// checkText refuses a request whose path, query or keys hold what the database
// cannot keep or look for: bytes that are not UTF-8, and U+0000.
func checkText(r *http.Request) error {
	if !keepable(r.URL.Path) {
		return model.Errorf(model.Invalid, "The path must be UTF-8 text without the character U+0000")
	}
	if r.URL.RawQuery != "" {
		for name, values := range r.URL.Query() {
			for _, value := range values {
				if !keepable(value) {
					return model.Errorf(model.Invalid, "Invalid or missing query parameters: %q must be UTF-8 text without the character U+0000", name)
				}
			}
		}
	}
	for _, name := range []string{protocol.HeaderIdempotencyKey, protocol.HeaderCachedTaskCursor} {
		if !keepable(r.Header.Get(name)) {
			return model.Errorf(model.Invalid, "Invalid headers: %s must be UTF-8 text", name)
		}
	}
	return nil
}

func keepable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// holdsNUL reports whether a text in a decoded value has the character U+0000,
// which databases do not keep. JSON that is kept as it is may name it: there it
// is written as an escape.
func holdsNUL(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.String:
		return strings.IndexByte(value.String(), 0) >= 0
	case reflect.Pointer, reflect.Interface:
		return !value.IsNil() && holdsNUL(value.Elem())
	case reflect.Struct:
		if reflect.PointerTo(value.Type()).Implements(unmarshaler) {
			return false
		}
		for i := range value.NumField() {
			if holdsNUL(value.Field(i)) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return false
		}
		for i := range value.Len() {
			if holdsNUL(value.Index(i)) {
				return true
			}
		}
	}
	return false
}
