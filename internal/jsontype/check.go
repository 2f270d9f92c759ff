package jsontype

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// maxIssues bounds what is reported of one text.
const maxIssues = 100

// Check returns everything that is wrong with valid JSON text, at most 100
// issues. Their paths name members, and elements by their index. If it is strict,
// members that the type does not have are wrong too.
func (d *Type) Check(valid []byte, strict bool) []protocol.SchemaError {
	decoder := json.NewDecoder(bytes.NewReader(valid))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return []protocol.SchemaError{{Path: []string{}, Message: err.Error()}}
	}
	c := checker{strict: strict}
	c.check(d, value, nil)
	return c.issues
}

type checker struct {
	strict bool
	issues []protocol.SchemaError
}

func (c *checker) report(path []string, format string, values ...any) {
	if len(c.issues) < maxIssues {
		c.issues = append(c.issues, protocol.SchemaError{
			Path: append([]string{}, path...), Message: fmt.Sprintf(format, values...),
		})
	}
}

func (c *checker) check(d *Type, value any, path []string) {
	if d.kind == anything || value == nil && d.nullable {
		return
	}
	if d.kind == pointer {
		c.check(d.element, value, path)
		return
	}
	if problem := d.mismatch(value); problem != "" {
		c.report(path, "Expected %s, received %s", d.kind, problem)
		return
	}
	switch value := value.(type) {
	case string:
		if err := d.parse(value); err != nil {
			c.report(path, "%v", err)
		}
	case []any:
		for i, element := range value {
			c.check(d.element, element, append(path, strconv.Itoa(i)))
		}
	case map[string]any:
		if d.kind == table {
			for _, name := range slices.Sorted(maps.Keys(value)) {
				c.check(d.element, value[name], append(path, name))
			}
			return
		}
		c.checkMembers(d, value, path)
		if c.strict {
			c.checkNames(d, value, path)
		}
	}
}

func (c *checker) checkMembers(d *Type, value map[string]any, path []string) {
	for _, member := range d.members {
		found, present := lookUp(value, member.name)
		at := append(path, member.name)
		switch {
		case !present && member.required:
			c.report(at, "Required")
		case !present, found == nil && !member.required:
		case member.quoted:
			if _, ok := found.(string); !ok {
				c.report(at, "Expected string, received %s", kindOf(found))
			}
		default:
			c.check(member.of, found, at)
		}
	}
}

func (c *checker) checkNames(d *Type, value map[string]any, path []string) {
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if !slices.ContainsFunc(d.members, func(m member) bool { return strings.EqualFold(m.name, name) }) {
			c.report(append(path, name), "Unrecognized key")
		}
	}
}

// lookUp finds a member as encoding/json does: in any case, if not in the given.
func lookUp(value map[string]any, name string) (any, bool) {
	if found, ok := value[name]; ok {
		return found, true
	}
	for candidate, found := range value {
		if strings.EqualFold(candidate, name) {
			return found, true
		}
	}
	return nil, false
}

// mismatch returns what a value is if it is not of the type's kind.
func (d *Type) mismatch(value any) string {
	got := kindOf(value)
	switch {
	case got == d.kind.String():
	case got == number.String() && d.kind == integer:
		if digits := value.(json.Number).String(); strings.ContainsAny(digits, ".eE") {
			return got + " " + digits
		}
	default:
		return got
	}
	return ""
}

// parse tries what decoding will do with a text.
func (d *Type) parse(value string) error {
	if d.format == base64Format {
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			return fmt.Errorf("not base64: %w", err)
		}
		return nil
	}
	parser, ok := reflect.New(d.goType).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return nil
	}
	return parser.UnmarshalText([]byte(value))
}

// String returns what JSON calls the kind.
func (k kind) String() string {
	switch k {
	case boolean:
		return "boolean"
	case integer:
		return "integer"
	case number:
		return "number"
	case text:
		return "string"
	case array:
		return "array"
	case object, table:
		return "object"
	}
	return "value"
}

// kindOf returns what JSON calls a decoded value.
func kindOf(value any) string {
	switch value.(type) {
	case bool:
		return boolean.String()
	case json.Number:
		return number.String()
	case string:
		return text.String()
	case []any:
		return array.String()
	case map[string]any:
		return object.String()
	}
	return "null"
}
