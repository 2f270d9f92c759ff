package jsontype

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// field is a struct field that may become a member.
type field struct {
	member
	depth  int
	tagged bool
}

// membersOf returns the members of a struct as encoding/json sees them: a name
// belongs to the field nearest to the struct, and among those to the one whose
// tag says so; if that is not one field, to none.
func membersOf(goType reflect.Type, made map[reflect.Type]*Type) []member {
	var members []member
	fields := fieldsOf(goType, 0, map[reflect.Type]bool{}, made)
	for i, candidate := range fields {
		if !slices.ContainsFunc(fields[:i], func(f field) bool { return f.name == candidate.name }) {
			if winner, ok := dominant(fields, candidate.name); ok {
				members = append(members, winner)
			}
		}
	}
	return members
}

func dominant(fields []field, name string) (member, bool) {
	var best field
	found, ambiguous := false, false
	for _, candidate := range fields {
		switch {
		case candidate.name != name:
		case !found, candidate.depth < best.depth, candidate.depth == best.depth && candidate.tagged && !best.tagged:
			best, found, ambiguous = candidate, true, false
		case candidate.depth == best.depth && candidate.tagged == best.tagged:
			ambiguous = true
		}
	}
	return best.member, found && !ambiguous
}

// fieldsOf lists the fields of a struct and of the structs embedded in it.
// around are those that it is embedded in.
func fieldsOf(goType reflect.Type, depth int, around map[reflect.Type]bool, made map[reflect.Type]*Type) []field {
	if around[goType] {
		return nil
	}
	around[goType] = true
	defer delete(around, goType)
	var fields []field
	for structField := range goType.Fields() {
		tag := structField.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" {
			continue
		}
		if embedded := embeddedStruct(structField); embedded != nil && name == "" {
			fields = append(fields, fieldsOf(embedded, depth+1, around, made)...)
			continue
		}
		if !structField.IsExported() {
			continue
		}
		fields = append(fields, newField(structField, name, strings.Split(options, ","), depth, made))
	}
	return fields
}

func embeddedStruct(of reflect.StructField) reflect.Type {
	if !of.Anonymous {
		return nil
	}
	goType := of.Type
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if goType.Kind() != reflect.Struct {
		return nil
	}
	return goType
}

func newField(of reflect.StructField, name string, options []string, depth int, made map[reflect.Type]*Type) field {
	described := describe(of.Type, made)
	found := field{depth: depth, tagged: name != "", member: member{name: name, of: described}}
	if name == "" {
		found.name = of.Name
	}
	switch of.Type.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
	default:
		found.required = described.kind != anything &&
			!slices.Contains(options, "omitempty") && !slices.Contains(options, "omitzero")
	}
	quotable := described
	if quotable.kind == pointer && of.Type.Name() == "" {
		quotable = quotable.element
	}
	switch quotable.kind {
	case boolean, integer, number, text:
		found.quoted = slices.Contains(options, "string") && quotable.format != base64Format
	}
	return found
}

// indexNames returns where members are by name. Where two differ only by case, the
// folded name is the first one's, as in encoding/json.
func indexNames(members []member) map[string]int {
	index := make(map[string]int, 2*len(members))
	for i, m := range members {
		index[m.name] = i
	}
	for i, m := range members {
		if _, taken := index[foldedPrefix+fold(m.name)]; !taken {
			index[foldedPrefix+fold(m.name)] = i
		}
	}
	return index
}

// foldedPrefix sets folded names apart from names: no JSON text holds it.
const foldedPrefix = "\xff"

// fold returns the one spelling of all names that are equal but for their case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // past the last one comes the smallest
			}
			r = next
		}
	}, name)
}

// memberNamed returns the member that encoding/json decodes a name into: in any
// case, if there is none in the given.
func (d *Type) memberNamed(name string) (index int, found bool) {
	if index, found = d.byName[name]; found {
		return index, true
	}
	index, found = d.byName[foldedPrefix+fold(name)]
	return index, found
}
