package jsontype

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// Schema returns a JSON Schema (draft 2020-12) of the type. Structs that contain
// themselves are definitions under their Go names. If it is strict, objects have no
// members but those that are known.
func (d *Type) Schema(strict bool) json.RawMessage {
	w := &schemaWriter{strict: strict, names: map[reflect.Type]string{}, definitions: map[string]any{}}
	w.nameLoops(d, nil)
	schema := w.schema(d)
	if len(w.definitions) > 0 {
		schema["$defs"] = w.definitions
	}
	encoded, err := json.Marshal(schema)
	if err != nil {
		panic(err) // it is made of maps, lists and strings
	}
	return encoded
}

type schemaWriter struct {
	strict      bool
	names       map[reflect.Type]string // of structs that contain themselves
	definitions map[string]any
}

// nameLoops names the structs that contain themselves. around are the types that
// d is inside of.
func (w *schemaWriter) nameLoops(d *Type, around []*Type) {
	for _, outer := range around {
		if outer != d {
			continue
		}
		if d.kind == object && w.names[d.goType] == "" {
			w.names[d.goType] = w.freeName(d.goType.Name())
		}
		return
	}
	around = append(around[:len(around):len(around)], d)
	if d.element != nil {
		w.nameLoops(d.element, around)
	}
	for _, member := range d.members {
		w.nameLoops(member.of, around)
	}
}

func (w *schemaWriter) freeName(wanted string) string {
	taken := map[string]bool{}
	for _, name := range w.names {
		taken[name] = true
	}
	name := wanted
	for i := 2; taken[name]; i++ {
		name = wanted + strconv.Itoa(i)
	}
	return name
}

func (w *schemaWriter) schema(d *Type) map[string]any {
	name, named := w.names[d.goType]
	if !named {
		return w.body(d)
	}
	if _, written := w.definitions[name]; !written {
		w.definitions[name] = nil // being written
		w.definitions[name] = w.body(d)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

func (w *schemaWriter) body(d *Type) map[string]any {
	switch d.kind {
	case boolean:
		return map[string]any{"type": "boolean"}
	case integer:
		schema := map[string]any{"type": "integer"}
		if d.unsigned {
			schema["minimum"] = 0
		}
		return schema
	case number:
		return map[string]any{"type": "number"}
	case text:
		return textSchema(d)
	case array:
		return orNull(d, map[string]any{"type": "array", "items": w.schema(d.element)})
	case table:
		return orNull(d, map[string]any{"type": "object", "additionalProperties": w.schema(d.element)})
	case pointer:
		return map[string]any{"anyOf": []any{w.schema(d.element), map[string]any{"type": "null"}}}
	case object:
		return w.objectSchema(d)
	}
	return map[string]any{}
}

func textSchema(d *Type) map[string]any {
	schema := map[string]any{"type": "string"}
	switch d.format {
	case "":
	case base64Format:
		schema["contentEncoding"] = base64Format
	default:
		schema["format"] = d.format
	}
	return orNull(d, schema)
}

// orNull allows null where a Go value may be nil.
func orNull(d *Type, schema map[string]any) map[string]any {
	if d.nullable {
		schema["type"] = []any{schema["type"], "null"}
	}
	return schema
}

func (w *schemaWriter) objectSchema(d *Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, member := range d.members {
		properties[member.name] = w.schema(member.of)
		if member.quoted {
			properties[member.name] = map[string]any{"type": "string"}
		}
		if member.required {
			required = append(required, member.name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	if w.strict {
		schema["additionalProperties"] = false
	}
	return schema
}
