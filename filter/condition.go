package filter

import "encoding/json"

// operator is a condition: the name of an operator and its operand.
type operator struct {
	name    string
	operand any
}

func (o operator) pattern()            {}
func (o operator) condition() operator { return o }

// MarshalJSON writes the list of one condition that it is when it stands alone.
func (o operator) MarshalJSON() ([]byte, error) {
	return json.Marshal([]map[string]any{{o.name: o.operand}})
}

// StartsWith matches a string with this beginning.
func StartsWith(prefix string) Condition { return operator{"$startsWith", prefix} }

// EndsWith matches a string with this end.
func EndsWith(suffix string) Condition { return operator{"$endsWith", suffix} }

// EqualFold matches a string that is text in any case.
func EqualFold(text string) Condition { return operator{"$ignoreCaseEquals", text} }

// Exists matches a member that is there, even if it is null.
func Exists() Condition { return operator{"$exists", true} }

// Missing matches a member that is not there.
func Missing() Condition { return operator{"$exists", false} }

// Null matches a member that is null.
func Null() Condition { return operator{"$isNull", true} }

// NotNull matches a member that is not null, or not there.
func NotNull() Condition { return operator{"$isNull", false} }

// NoneOf matches a member that is none of the values, and one that is not there.
func NoneOf[T Scalar](values ...T) Condition { return operator{"$anythingBut", anyOf(values)} }

// Not matches a string, number or boolean other than value, and an array without
// it.
func Not[T Scalar](value T) Condition { return operator{"$not", value} }

// Includes matches an array that has value among its elements.
func Includes[T Scalar](value T) Condition { return operator{"$includes", value} }

// Above matches a number greater than bound.
func Above[T Number](bound T) Condition { return operator{"$gt", bound} }

// AtLeast matches a number that is bound or greater.
func AtLeast[T Number](bound T) Condition { return operator{"$gte", bound} }

// Below matches a number less than bound.
func Below[T Number](bound T) Condition { return operator{"$lt", bound} }

// AtMost matches a number that is bound or less.
func AtMost[T Number](bound T) Condition { return operator{"$lte", bound} }

// Between matches a number from low to high, both included.
func Between[T Number](low, high T) Condition { return operator{"$between", [2]T{low, high}} }
