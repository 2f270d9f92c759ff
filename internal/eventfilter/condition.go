package eventfilter

import (
	"slices"
	"strings"
)

// condition reports whether a member, perhaps absent, fulfils it.
type condition func(value any, w *work) bool

// operator is a kind of condition. parse returns false if the operand is not of
// the kind it takes.
type operator struct {
	name  string
	wants string
	text  bool // permitted on headers and query parameters
	parse func(operand any) (condition, bool)
}

// ignoreCase is the operator that the language has a say in: its parse is that of the
// parser's language.
const ignoreCase = "$ignoreCaseEquals"

// operators are in order of precedence: a condition with several operators is
// the first of them whose operand is of the right kind, as for the protocol's
// other implementations.
var operators = []operator{
	{"$endsWith", "text", true, onText(strings.HasSuffix)},
	{"$startsWith", "text", true, onText(strings.HasPrefix)},
	{ignoreCase, "text", true, nil},
	{"$exists", "a boolean", false, onBool(func(value any) bool { return value != absent{} })},
	{"$isNull", "a boolean", false, onBool(func(value any) bool { return value == nil })},
	{"$anythingBut", "text, a number, a boolean, or a list of one of them", false, anythingBut},
	{"$gt", "a number", false, onNumber(func(value, operand float64) bool { return value > operand })},
	{"$lt", "a number", false, onNumber(func(value, operand float64) bool { return value < operand })},
	{"$gte", "a number", false, onNumber(func(value, operand float64) bool { return value >= operand })},
	{"$lte", "a number", false, onNumber(func(value, operand float64) bool { return value <= operand })},
	{"$between", "a list of two numbers", false, between},
	{"$includes", "text, a number or a boolean", false, includes},
	{"$not", "text, a number or a boolean", false, not},
}

func (p *parser) condition(members map[string]any, at place) (condition, error) {
	var wrong *operator
	for i := range operators {
		operator := &operators[i]
		operand, ok := members[operator.name]
		if !ok || p.text && !operator.text {
			continue
		}
		parse := operator.parse
		if operator.name == ignoreCase {
			parse = p.language.ignoreCaseEquals
		}
		if parsed, ok := parse(operand); ok {
			return parsed, nil
		}
		if wrong == nil {
			wrong = operator
		}
	}
	if wrong != nil {
		return nil, at.at(wrong.name).errorf("is %s: want %s", describe(members[wrong.name]), wrong.wants)
	}
	return nil, at.errorf("is not a condition: want an object with one of %s", strings.Join(p.operatorNames(), ", "))
}

func (p *parser) operatorNames() (names []string) {
	for _, operator := range operators {
		if !p.text || operator.text {
			names = append(names, operator.name)
		}
	}
	return names
}

func onText(holds func(value, operand string) bool) func(any) (condition, bool) {
	return func(operand any) (condition, bool) {
		want, ok := operand.(string)
		return func(value any, _ *work) bool {
			text, ok := value.(string)
			return ok && holds(text, want)
		}, ok
	}
}

func onBool(is func(value any) bool) func(any) (condition, bool) {
	return func(operand any) (condition, bool) {
		want, ok := operand.(bool)
		return func(value any, _ *work) bool { return is(value) == want }, ok
	}
}

func onNumber(holds func(value, operand float64) bool) func(any) (condition, bool) {
	return func(operand any) (condition, bool) {
		want, ok := number(operand)
		return func(value any, _ *work) bool {
			number, ok := number(value)
			return ok && holds(number, want)
		}, ok
	}
}

func between(operand any) (condition, bool) {
	bounds, _ := operand.([]any)
	if len(bounds) != 2 {
		return nil, false
	}
	low, okLow := number(bounds[0])
	high, okHigh := number(bounds[1])
	return func(value any, _ *work) bool {
		number, ok := number(value)
		return ok && low <= number && number <= high
	}, okLow && okHigh
}

func anythingBut(operand any) (condition, bool) {
	items, ok := operand.([]any)
	if !ok {
		items = []any{operand}
	}
	set, err := literals(items, place{})
	return func(value any, _ *work) bool {
		literal, ok := scalar(value)
		return !ok || !has(set, literal)
	}, err == nil
}

func includes(operand any) (condition, bool) {
	want, ok := scalar(operand)
	return func(value any, _ *work) bool {
		elements, ok := value.([]any)
		return ok && contains(elements, want)
	}, ok
}

// not differs from anythingBut in that it needs something to compare with: it
// holds neither for what is absent or null nor for objects.
func not(operand any) (condition, bool) {
	want, ok := scalar(operand)
	return func(value any, _ *work) bool {
		if elements, ok := value.([]any); ok {
			return !contains(elements, want)
		}
		literal, ok := scalar(value)
		return ok && literal != want
	}, ok
}

func contains(elements []any, want any) bool {
	return slices.ContainsFunc(elements, func(element any) bool {
		literal, ok := scalar(element)
		return ok && literal == want
	})
}
