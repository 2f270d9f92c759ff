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
	if numbers, ok := value.([]any); ok && d.format == base64Format {
		c.checkElements(d, numbers, path) // encoding/json reads bytes as numbers, too
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
		c.checkElements(d, value, path)
	case map[string]any:
		if d.kind == table {
			for _, name := range slices.Sorted(maps.Keys(value)) {
				c.check(d.element, value[name], append(path, name))
			}
			return
		}
		c.checkMembers(d, value, path)
	}
}

func (c *checker) checkElements(d *Type, elements []any, path []string) {
	for i, element := range elements {
		c.check(d.element, element, append(path, strconv.Itoa(i)))
	}
}

// checkMembers checks each member's values: there are several if the text spells
// its name in several cases, and encoding/json decodes them all.
func (c *checker) checkMembers(d *Type, value map[string]any, path []string) {
	values := make([][]any, len(d.members))
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if index, known := d.memberNamed(name); known {
			values[index] = append(values[index], value[name])
		} else {
			unknown = append(unknown, name)
		}
	}
	for i, member := range d.members {
		at := append(path, member.name)
		if len(values[i]) == 0 && member.required {
			c.report(at, "Required")
		}
		for _, found := range values[i] {
			c.checkMember(member, found, at)
		}
	}
	if !c.strict {
		return
	}
	for _, name := range unknown {
		c.report(append(path, name), "Unrecognized key")
	}
}

func (c *checker) checkMember(m member, value any, path []string) {
	switch {
	case value == nil && !m.required:
	case m.quoted:
		if _, ok := value.(string); !ok {
			c.report(path, "Expected string, received %s", kindOf(value))
		}
	default:
		c.check(m.of, value, path)
	}
}

// mismatch returns what a value is if it is not of the type's kind.
func (d *Type) mismatch(value any) string {
	got := kindOf(value)
	switch {
	case got == d.kind.String(), got == text.String() && d.format == numberFormat:
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
	if d.format == numberFormat {
		quoted, _ := json.Marshal(value) // a string always encodes
		return json.Unmarshal(quoted, new(json.Number))
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
