package eventfilter

import (
	"maps"
	"slices"
	"strconv"
)

// node is a parsed object of a filter.
type node struct {
	// keys counts all keys, also those whose empty list lets everything pass: an
	// absent value is matched only by an object without any.
	keys  int
	rules []rule
}

// rule is what a filter asks of one member. One of the three is set.
type rule struct {
	key        string
	object     *node
	literals   map[any]struct{} // one of these
	conditions []condition      // all of these
}

// parser counts what it has read, to bound the work of matching.
type parser struct {
	language Language
	rules    int
	// text permits only what the protocol permits on headers and query
	// parameters: text, and the operators on text.
	text bool
}

func (p *parser) count(at place) error {
	if p.rules++; p.rules > MaxRules {
		return at.errorf("is one too many: a filter has at most %d keys and conditions", MaxRules)
	}
	return nil
}

func (p *parser) object(value any, at place, depth int) (*node, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, at.errorf("is %s: want an object", describe(value))
	}
	if depth > MaxDepth {
		return nil, at.errorf("is nested too deeply: at most %d levels are accepted", MaxDepth)
	}
	parsed := &node{keys: len(members)}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		rule, err := p.rule(members[key], at.at(key), depth)
		if err != nil {
			return nil, err
		}
		if rule.object == nil && rule.literals == nil && rule.conditions == nil {
			continue
		}
		rule.key = key
		parsed.rules = append(parsed.rules, rule)
	}
	return parsed, nil
}

// rule parses what a filter asks of one member.
func (p *parser) rule(value any, at place, depth int) (parsed rule, err error) {
	if err := p.count(at); err != nil {
		return rule{}, err
	}
	switch value := value.(type) {
	case []any:
		return p.list(value, at)
	case map[string]any:
		if !p.text {
			parsed.object, err = p.object(value, at, depth+1)
			return parsed, err
		}
	}
	if p.text {
		return rule{}, at.errorf("is %s: want a list of texts, or of conditions on text", describe(value))
	}
	return rule{}, at.errorf("is %s: want a list of texts, numbers, booleans or conditions, or an object", describe(value))
}

// list parses a list of values or of conditions.
func (p *parser) list(items []any, at place) (parsed rule, err error) {
	if len(items) == 0 {
		return rule{}, nil
	}
	if _, ok := items[0].(map[string]any); ok {
		parsed.conditions, err = p.conditions(items, at)
		return parsed, err
	}
	parsed.literals, err = literals(items, at)
	if _, isText := items[0].(string); err == nil && p.text && !isText {
		return rule{}, at.at("0").errorf("is %s: want text, or a condition on text", describe(items[0]))
	}
	return parsed, err
}

func (p *parser) conditions(items []any, at place) ([]condition, error) {
	parsed := make([]condition, 0, len(items))
	for i, item := range items {
		at := at.at(strconv.Itoa(i))
		if err := p.count(at); err != nil {
			return nil, err
		}
		members, ok := item.(map[string]any)
		if !ok {
			return nil, at.errorf("is %s in a list of conditions: all elements must be of one kind", describe(item))
		}
		condition, err := p.condition(members, at)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, condition)
	}
	return parsed, nil
}

// literals parses a list that holds only texts, only numbers or only booleans.
func literals(items []any, at place) (map[any]struct{}, error) {
	set := make(map[any]struct{}, len(items))
	for i, item := range items {
		literal, ok := scalar(item)
		if !ok {
			return nil, at.at(strconv.Itoa(i)).errorf("is %s: want text, a number, a boolean or a condition", describe(item))
		}
		if first, this := describe(items[0]), describe(item); first != this {
			return nil, at.at(strconv.Itoa(i)).errorf("is %s in a list that starts with %s: all elements must be of one kind", this, first)
		}
		set[literal] = struct{}{}
	}
	return set, nil
}

// describe names the kind of a JSON value.
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
