package sqlite

import (
	"fmt"
	"reflect"
)

// kindNames are how errors speak of the kinds.
var kindNames = map[valueKind]string{
	nullValue: "NULL", integerValue: "an integer", floatValue: "a floating-point number",
	textValue: "text", blobValue: "binary",
}

// assign copies a column into what target points to. It is as strict as the
// PostgreSQL side, so that what passes here passes there: text does not become a
// number nor a number text, and NULL needs a pointer or a byte slice.
func assign(target any, c column) error {
	kind := c.kind()
	switch t := target.(type) {
	case *string:
		if kind == textValue {
			*t = c.text()
			return nil
		}
	case *int64:
		if kind == integerValue {
			*t = c.integer()
			return nil
		}
	case *int:
		if kind == integerValue {
			*t = int(c.integer())
			return nil
		}
	case *bool:
		if kind == integerValue {
			*t = c.integer() != 0
			return nil
		}
	case *[]byte:
		if kind == textValue || kind == blobValue {
			*t = c.binary()
			return nil
		}
	case **string:
		if kind == textValue {
			s := c.text()
			*t = &s
			return nil
		}
	case **int64:
		if kind == integerValue {
			n := c.integer()
			*t = &n
			return nil
		}
	}
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("the destination is a %T, and must be a pointer", target)
	}
	return assignKind(v.Elem(), kind, c)
}

// assignKind does the same for types that are named or rare, and for NULL.
func assignKind(v reflect.Value, kind valueKind, c column) error {
	isBytes := v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8
	switch {
	case kind == nullValue && (v.Kind() == reflect.Pointer || isBytes):
		v.SetZero()
		return nil
	case v.Kind() == reflect.Pointer:
		pointed := reflect.New(v.Type().Elem())
		if err := assignKind(pointed.Elem(), kind, c); err != nil {
			return err
		}
		v.Set(pointed)
		return nil
	case v.Kind() == reflect.String && kind == textValue:
		v.SetString(c.text())
		return nil
	case isBytes && (kind == textValue || kind == blobValue):
		v.SetBytes(c.binary())
		return nil
	case v.CanInt() && kind == integerValue:
		if v.OverflowInt(c.integer()) {
			return fmt.Errorf("%d does not fit into a %s", c.integer(), v.Type())
		}
		v.SetInt(c.integer())
		return nil
	case v.Kind() == reflect.Bool && kind == integerValue:
		v.SetBool(c.integer() != 0)
		return nil
	case v.CanFloat() && (kind == floatValue || kind == integerValue):
		v.SetFloat(c.float())
		return nil
	}
	return fmt.Errorf("%s cannot be read into a %s", kindNames[kind], v.Type())
}
