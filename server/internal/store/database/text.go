package database

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/runhook/runhook/server/internal/model"
)

// Storable returns arguments of a statement as both engines keep them: text is
// UTF-8 without U+0000, see [model.KeepableText]. So one engine does not refuse
// what the other takes, and text is found again under the words it was given in.
// Code that takes text from outside replaces or refuses such bytes first; this is
// for what slipped through. JSON writes U+0000 as an escape and keeps it.
func Storable(args []any) []any {
	for i, arg := range args {
		kept, changed := storable(arg)
		if !changed {
			continue
		}
		// The caller's slice stays as it is.
		all := append([]any(nil), args...)
		all[i] = kept
		for j := i + 1; j < len(all); j++ {
			all[j], _ = storable(all[j])
		}
		return all
	}
	return args
}

// storable returns one argument and whether it had to be changed.
func storable(arg any) (kept any, changed bool) {
	switch arg := arg.(type) {
	case nil, bool, int, int64, float64, []byte, *int64, *bool:
		return arg, false
	case string:
		kept := model.KeepableText(arg)
		return kept, kept != arg
	case json.RawMessage:
		kept := model.KeepableBytes(arg)
		return json.RawMessage(kept), !bytes.Equal(kept, arg)
	}
	value := reflect.ValueOf(arg)
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() != reflect.String {
		return arg, false
	}
	text := value.String()
	kept = model.KeepableText(text)
	return kept, kept != text
}
