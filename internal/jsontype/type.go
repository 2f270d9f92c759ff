package jsontype

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"time"
)

// A Type is what JSON a Go type stands for. It does not change once it is made,
// and may be used by many goroutines.
type Type struct {
	kind     kind
	goType   reflect.Type
	nullable bool
	format   string // of a text, in the words of JSON Schema
	unsigned bool   // an integer that is not below zero
	element  *Type  // of a pointer, an array or a table; of bytes, one of them
	members  []member
	byName   map[string]int // index of a member, by its name and by its folded name
	required bool           // whether any member, at any depth, is required
}

type kind int

const (
	anything kind = iota
	boolean
	integer
	number
	text
	array
	object // with members of known names
	table  // with members of any name
	pointer
)

// member is a member of an object.
type member struct {
	name     string
	of       *Type
	required bool
	quoted   bool // written as a string, by the tag option "string"
}

// base64Format marks a text that is bytes. In a schema it is an encoding.
const base64Format = "base64"

// numberFormat marks a [json.Number], which is read from a text, too.
const numberFormat = "number"

var known sync.Map // of *Type by reflect.Type

// Of returns what JSON a value of T stands for.
func Of[T any]() *Type {
	goType := reflect.TypeFor[T]()
	if found, ok := known.Load(goType); ok {
		return found.(*Type)
	}
	made := map[reflect.Type]*Type{}
	described := describe(goType, made)
	settleRequired(made)
	known.Store(goType, described)
	return described
}

// IsObject reports whether the type stands for an object with known members.
func (d *Type) IsObject() bool { return d.kind == object }

// Demanding reports whether JSON that encoding/json decodes into the type may
// still fail [Type.Check], because something is missing.
func (d *Type) Demanding() bool { return d.required }

var (
	timeType      = reflect.TypeFor[time.Time]()
	jsonMarshal   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshal = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshal = reflect.TypeFor[encoding.TextUnmarshaler]()
	numberType    = reflect.TypeFor[json.Number]()
)

// describe returns the description of a type. made holds those that are known or
// being made, so that a type may contain itself.
func describe(goType reflect.Type, made map[reflect.Type]*Type) *Type {
	if found, ok := made[goType]; ok {
		return found
	}
	described := &Type{goType: goType}
	made[goType] = described
	address := reflect.PointerTo(goType)
	switch {
	case goType == timeType:
		described.kind, described.format = text, "date-time"
	case goType == numberType:
		described.kind, described.format = number, numberFormat
	case goType.Kind() == reflect.Pointer:
		described.kind, described.nullable, described.element = pointer, true, describe(goType.Elem(), made)
	case address.Implements(jsonUnmarshal) || goType.Implements(jsonMarshal):
		described.kind = anything
	case address.Implements(textUnmarshal):
		described.kind = text
	default:
		described.ofKind(goType, made)
	}
	return described
}

func (d *Type) ofKind(goType reflect.Type, made map[reflect.Type]*Type) {
	switch goType.Kind() {
	case reflect.Bool:
		d.kind = boolean
	case reflect.String:
		d.kind = text
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.kind = integer
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		d.kind, d.unsigned = integer, true
	case reflect.Float32, reflect.Float64:
		d.kind = number
	case reflect.Slice:
		d.nullable = true
		if goType.Elem().Kind() == reflect.Uint8 {
			d.kind, d.format, d.element = text, base64Format, describe(goType.Elem(), made)
			return
		}
		d.kind, d.element = array, describe(goType.Elem(), made)
	case reflect.Array:
		d.kind, d.element = array, describe(goType.Elem(), made)
	case reflect.Map:
		d.kind, d.nullable, d.element = table, true, describe(goType.Elem(), made)
	case reflect.Struct:
		d.kind, d.members = object, membersOf(goType, made)
		d.byName = indexNames(d.members)
	}
}

// settleRequired works out which types have a required member, at any depth, once
// all are known: types may contain each other.
func settleRequired(made map[reflect.Type]*Type) {
	for changed := true; changed; {
		changed = false
		for _, described := range made {
			if !described.required && described.demands() {
				described.required, changed = true, true
			}
		}
	}
}

func (d *Type) demands() bool {
	if d.element != nil && d.element.required {
		return true
	}
	for _, member := range d.members {
		if member.required || member.of.required {
			return true
		}
	}
	return false
}
