package sqlite

import (
	"encoding/json"
	"fmt"
	"reflect"
	"unsafe"
)

// value is an argument in one of the five forms that SQLite keeps.
type value struct {
	kind    valueKind
	integer int64
	float   float64
	bytes   []byte
	address uintptr // of the copy in the statement's buffer
}

type valueKind uint8

const (
	nullValue valueKind = iota
	integerValue
	floatValue
	textValue
	blobValue
)

// valueOf turns an argument into the form it is stored in. Strings and
// json.RawMessage are text, []byte is binary, nil and nil pointers are NULL.
func valueOf(arg any) (value, error) {
	switch a := arg.(type) {
	case nil:
		return value{}, nil
	case string:
		return text(a), nil
	case int64:
		return value{kind: integerValue, integer: a}, nil
	case int:
		return value{kind: integerValue, integer: int64(a)}, nil
	case bool:
		return boolean(a), nil
	case float64:
		return value{kind: floatValue, float: a}, nil
	case []byte:
		return binary(blobValue, a), nil
	case json.RawMessage:
		return binary(textValue, a), nil
	case *string:
		if a == nil {
			return value{}, nil
		}
		return text(*a), nil
	case *int64:
		if a == nil {
			return value{}, nil
		}
		return value{kind: integerValue, integer: *a}, nil
	}
	return valueOfKind(reflect.ValueOf(arg))
}

// valueOfKind does the same for types that are named or rare.
func valueOfKind(v reflect.Value) (value, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return value{}, nil
		}
		return valueOf(v.Elem().Interface())
	case reflect.String:
		return text(v.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return value{kind: integerValue, integer: v.Int()}, nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return value{kind: integerValue, integer: int64(v.Uint())}, nil
	case reflect.Bool:
		return boolean(v.Bool()), nil
	case reflect.Float32, reflect.Float64:
		return value{kind: floatValue, float: v.Float()}, nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return binary(blobValue, v.Bytes()), nil
		}
	}
	return value{}, fmt.Errorf("a %s cannot be stored; give a string, integer, bool, float64, []byte or a pointer to one", v.Type())
}

func text(s string) value {
	// The bytes are only read.
	return value{kind: textValue, bytes: unsafe.Slice(unsafe.StringData(s), len(s))}
}

func binary(kind valueKind, b []byte) value {
	if b == nil {
		return value{}
	}
	return value{kind: kind, bytes: b}
}

func boolean(b bool) value {
	v := value{kind: integerValue}
	if b {
		v.integer = 1
	}
	return v
}
