package eventfilter

import (
	"encoding/json"
	"strconv"
)

// maxWork bounds one match: about how many members, elements and conditions are
// looked at. It takes a large filter and a large value made for each other to
// get there.
const maxWork = 5_000_000

// work is what a match may still do.
type work struct{ left int }

func newWork() *work { return &work{left: maxWork} }

// spend reports whether the work is within bounds.
func (w *work) spend(amount int) bool {
	w.left -= amount
	return w.left >= 0
}

// done reports whether the match was carried to its end.
func (w *work) done() bool { return w.left >= 0 }

// absent is the member that an object does not have.
type absent struct{}

// match reports whether the value matches. A list has no members: a filter that wants
// its elements matched calls matchMember.
func (n *node) match(value any, w *work) bool {
	if isNothing(value) {
		return n.keys == 0
	}
	members, _ := value.(map[string]any)
	for i := range n.rules {
		rule := &n.rules[i]
		var member any = absent{}
		if found, ok := members[rule.key]; ok {
			member = found
		}
		if !w.spend(1) || !rule.match(member, w) {
			return false
		}
	}
	return true
}

// matchMember matches a value, or any element if it is a list.
func (n *node) matchMember(value any, w *work) bool {
	elements, ok := value.([]any)
	if !ok {
		return n.match(value, w)
	}
	for _, element := range elements {
		if !w.spend(1) {
			return false
		}
		if n.match(element, w) {
			return true
		}
	}
	return false
}

func (r *rule) match(value any, w *work) bool {
	switch {
	case r.object != nil:
		return r.object.matchMember(value, w)
	case r.literals != nil:
		literal, ok := scalar(value)
		return ok && has(r.literals, literal)
	}
	for _, holds := range r.conditions {
		// A condition may have to look at the whole of a text or list.
		if !w.spend(1+length(value)) || !holds(value, w) {
			return false
		}
	}
	return true
}

func length(value any) int {
	switch value := value.(type) {
	case string:
		return len(value) / 64 // comparing text is fast
	case []any:
		return len(value)
	}
	return 0
}

func isNothing(value any) bool { return value == nil || value == absent{} }

func has(set map[any]struct{}, literal any) bool {
	_, ok := set[literal]
	return ok
}

// scalar returns text, a boolean or a number as a string, bool or float64, which
// are equal if JavaScript says so.
func scalar(value any) (any, bool) {
	switch value := value.(type) {
	case string, bool, float64:
		return value, true
	case json.Number:
		// A number out of range is infinite, and has an error beside it.
		number, err := strconv.ParseFloat(string(value), 64)
		return number, err == nil || number != 0
	}
	return nil, false
}

func number(value any) (float64, bool) {
	if literal, ok := scalar(value); ok {
		number, ok := literal.(float64)
		return number, ok
	}
	return 0, false
}
