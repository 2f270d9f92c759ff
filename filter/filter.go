package filter

import "encoding/json"

// A Filter says which events or requests something is for: an [Object], a
// [Request] or [Raw].
type Filter interface {
	json.Marshaler
	filter()
}

// A Pattern says what a value must be: [Is], a [Condition], [All], an [Object] or
// [Raw].
type Pattern interface {
	json.Marshaler
	pattern()
}

// A Condition is a pattern that [All] can join with others.
type Condition interface {
	Pattern
	condition() operator
}

// Object matches an object whose members all match their patterns. Members that
// it does not name may be anything. An empty one matches everything.
type Object map[string]Pattern

func (Object) filter()  {}
func (Object) pattern() {}

// MarshalJSON writes the filter in the protocol's language.
func (o Object) MarshalJSON() ([]byte, error) {
	if o == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]Pattern(o))
}

// Raw is a filter, or a part of one, in the protocol's language, for example
//
//	{"status":["paid"],"amount":[{"$gte":100}]}
type Raw string

func (Raw) filter()  {}
func (Raw) pattern() {}

// MarshalJSON returns the text as it is.
func (r Raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// Scalar is what a member can be compared with.
type Scalar interface {
	~string | ~bool | Number
}

// Number is any number. They are compared as float64.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// list is a pattern that is written as a list.
type list []any

func (list) pattern() {}

func (l list) MarshalJSON() ([]byte, error) { return json.Marshal([]any(l)) }

// Is matches a member that is one of the values. Without values it matches
// anything.
func Is[T Scalar](values ...T) Pattern { return list(anyOf(values)) }

// All matches a member for which all conditions hold.
func All(conditions ...Condition) Pattern {
	all := list{}
	for _, condition := range conditions {
		only := condition.condition()
		all = append(all, map[string]any{only.name: only.operand})
	}
	return all
}

func anyOf[T any](values []T) []any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}
