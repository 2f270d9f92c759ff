package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// checkDepth refuses JSON of the caller's that is nested too deeply. name is where in
// the request body it is; empty for all of it.
func checkDepth(name string, text []byte) error {
	if protocol.CheckDepth(text, protocol.MaxDepth) == nil {
		return nil
	}
	return tooDeep(name)
}

func tooDeep(name string) error {
	return model.Errorf(model.Invalid, "Invalid request body: %s", model.DepthMessage(fieldName(name)))
}

// checkBodyDepth refuses a body that is nested more deeply than any message of the
// protocol around a value can be.
func checkBodyDepth(body []byte) error {
	err := protocol.CheckDepth(body, protocol.MaxDepth+protocol.MaxEnvelopeDepth)
	if deep, ok := errors.AsType[*protocol.DepthError](err); ok {
		return tooDeep(deep.Path)
	}
	return nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// checkMemberDepth refuses a decoded body with JSON of the caller's in it that is
// nested too deeply. A body that is such JSON itself is not looked at.
func checkMemberDepth(name string, value reflect.Value) error {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		return checkMemberDepth(name, value.Elem())
	case reflect.Slice, reflect.Array:
		if value.Type() == rawMessage {
			if name == "" {
				return nil
			}
			return checkDepth(name, value.Bytes())
		}
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range value.Len() {
			if err := checkMemberDepth(name, value.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			if err := checkMemberDepth(name, value.MapIndex(key)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if reflect.PointerTo(value.Type()).Implements(unmarshaler) {
			return nil // of a fixed shape, such as a time
		}
		for i := range value.NumField() {
			field := value.Type().Field(i)
			inside, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && inside != "" {
				inside = "." + inside
			}
			if err := checkMemberDepth(name+inside, value.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}
