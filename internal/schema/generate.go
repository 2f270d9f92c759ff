package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// document is a generated file. path is relative to the root of the module.
type document struct {
	path string
	text []byte
}

// generate returns the documents as they should be.
func generate(root string) ([]document, error) {
	source, err := readSource(filepath.Join(root, "protocol"))
	if err != nil {
		return nil, err
	}
	schema, err := notificationSchema(source)
	if err != nil {
		return nil, err
	}
	schemaFile := append(object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}}, schema...)
	var documents []document
	for _, file := range []struct {
		path    string
		content object
	}{
		{"docs/run-notification.schema.json", schemaFile},
		{"docs/openapi.json", openAPI(schema)},
	} {
		text, err := indent(file.content)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", file.path, err)
		}
		documents = append(documents, document{file.path, text})
	}
	return documents, nil
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := encoder.Encode(m.name); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

func indent(content object) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(content)
	return text.Bytes(), err
}
