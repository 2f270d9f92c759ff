package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// checkText refuses a request whose path, query or keys hold bytes that are not
// UTF-8, which the database cannot keep or look for. U+0000 in a path is replaced
// where that is taken apart; nothing that a query asks for has it.
func checkText(r *http.Request) error {
	if !utf8.ValidString(r.URL.Path) {
		return model.Errorf(model.Invalid, "The path must be UTF-8 text")
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
		if !utf8.ValidString(r.Header.Get(name)) {
			return model.Errorf(model.Invalid, "Invalid headers: %s must be UTF-8 text", name)
		}
	}
	return nil
}

// checkKeyInPath refuses a request that makes something under a key in its path if the
// path ends at a question mark: SDKs write keys into paths as they are, and what stands
// behind the mark would be lost.
func checkKeyInPath(r *request) error {
	if r.URL.RawQuery == "" && !r.URL.ForceQuery {
		return nil
	}
	return model.Errorf(model.Invalid, `The key in the path ends at a "?", behind which nothing belongs here. A key with that character must have it written as %%3F`)
}

// keepable reports whether the database keeps a text as it is.
func keepable(text string) bool { return model.KeepableText(text) == text }

// escapedNUL is how JSON names the character U+0000, which databases do not keep.
const escapedNUL = `\u0000`

// checkWhole refuses a body if a character of a text in it was replaced when it was
// decoded.
func checkWhole(body []byte, decoded any) error {
	replaced := bytes.Contains(body, []byte(escapedNUL)) || !protocol.IsWholeText(body)
	if !replaced {
		return nil
	}
	var refused error
	eachText("", reflect.ValueOf(decoded), func(name string, text reflect.Value) {
		// Names in a map cannot be replaced.
		if refused == nil && strings.ContainsAny(text.String(), "\uFFFD\x00") {
			refused = model.Errorf(model.Invalid, "Invalid request body: %s has the character U+0000 or half of a surrogate pair, which cannot be kept", cmp.Or(name, "a text in it"))
		}
	})
	return refused
}

// replaceNUL replaces the character U+0000 in the texts of a decoded value.
func replaceNUL(decoded reflect.Value) {
	eachText("", decoded, func(_ string, text reflect.Value) {
		if text.CanSet() {
			text.SetString(model.KeepableText(text.String()))
		}
	})
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// eachText calls visit with each text of a decoded value and the name of its member,
// as options.accountId, which starts with the name given. JSON that is kept as it is has
// none.
func eachText(name string, value reflect.Value, visit func(name string, text reflect.Value)) {
	switch value.Kind() {
	case reflect.String:
		visit(name, value)
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			eachText(name, value.Elem(), visit)
		}
	case reflect.Struct:
		if reflect.PointerTo(value.Type()).Implements(unmarshaler) {
			return
		}
		for i := range value.NumField() {
			eachText(memberName(name, value.Type().Field(i)), value.Field(i), visit)
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range value.Len() {
			eachText(name, value.Index(i), visit)
		}
	case reflect.Map:
		for entries := value.MapRange(); entries.Next(); {
			eachText(name, entries.Key(), visit)
			eachText(name, entries.Value(), visit)
		}
	}
}

// memberName returns the name of a member of the object that a name is of.
func memberName(of string, field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case name == "" && field.Anonymous:
		return of
	case of == "":
		return cmp.Or(name, field.Name)
	}
	return of + "." + cmp.Or(name, field.Name)
}
