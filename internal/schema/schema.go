package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	timeType = reflect.TypeFor[protocol.Time]()
)

// timePattern is protocol.TimeLayout as an expression: format alone is not
// checked by most validators.
const timePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$`

// sharedDescriptions describe the fields of types that the webhook has in
// common with other messages, where they have no comment of their own.
var sharedDescriptions = map[string]string{
	"JobReference.ID":             "The job's ID.",
	"JobReference.Version":        "The version of the job that ran.",
	"EnvironmentReference.Slug":   "The environment's slug.",
	"EnvironmentReference.ID":     "The environment's ID.",
	"EnvironmentReference.Type":   "The environment's type.",
	"OrganizationReference.Slug":  "The organization's slug.",
	"OrganizationReference.ID":    "The organization's ID.",
	"OrganizationReference.Title": "The organization's title.",
	"ProjectReference.Slug":       "The project's slug.",
	"ProjectReference.ID":         "The project's ID.",
	"ProjectReference.Name":       "The project's title.",
	"AccountReference.ID":         "The account's ID, as the caller named it.",
	"AccountReference.Metadata":   "The account's metadata: additional data that was passed through. Absent if there is none.",
	"ProgressStatus.Key":          "The key that the job's code gave to the status.",
	"ProgressStatus.Label":        "What people are shown.",
	"ProgressStatus.State":        "How far the status is: loading, success or failure. Absent if it was never set.",
	"ProgressStatus.Data":         "Data that the job's code attached. Absent if there is none.",
	"ProgressStatus.History":      "What the status was before, oldest first.",
	"ProgressSnapshot.Label":      "What people were shown.",
	"ProgressSnapshot.State":      "How far the status was.",
	"ProgressSnapshot.Data":       "Data that was attached.",
}

// notificationSchema returns the schema of protocol.RunNotification, without
// the $schema member.
func notificationSchema(s source) (object, error) {
	schema, err := s.structSchema(reflect.TypeFor[protocol.RawRunNotification]())
	if err != nil {
		return nil, err
	}
	statuses := endings(s)
	failures := slices.DeleteFunc(slices.Clone(statuses), func(status string) bool { return status == string(protocol.RunSuccess) })
	return slices.Concat(object{
		{"title", "RunNotification"},
		{"description", "The payload of a run's completion webhook. Receivers should ignore properties they do not know."},
	}, schema, object{
		{"if", object{{"properties", object{{"ok", object{{"const", true}}}}}}},
		{"then", object{{"properties", object{
			{"status", object{{"const", protocol.RunSuccess}}},
			{"error", false},
			{"task", false},
		}}}},
		{"else", object{{"properties", object{
			{"status", object{{"enum", failures}}},
			{"output", false},
			{"error", object{{"type", []string{"object", "array"}}}},
		}}, {"required", []string{"error"}}}},
	}), nil
}

// endings returns the statuses a run may have when it notifies.
func endings(s source) []string {
	return slices.DeleteFunc(slices.Clone(s.constants["RunStatus"]), func(status string) bool {
		return !protocol.RunStatus(status).Terminal()
	})
}

func (s source) structSchema(t reflect.Type) (object, error) {
	typeName, _, _ := strings.Cut(t.Name(), "[") // without type arguments
	var properties object
	var required []string
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		fieldName := typeName + "." + field.Name
		schema, err := s.valueSchema(field.Type, !strings.Contains(options, "omit"))
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", fieldName, err)
		}
		description := s.comments[fieldName]
		if description == "" {
			description = sharedDescriptions[fieldName]
		}
		if description == "" {
			return nil, fmt.Errorf("the field %s has no comment to describe it with", fieldName)
		}
		properties = append(properties, member{name, append(object{{"description", description}}, schema...)})
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	schema := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		schema = append(schema, member{"required", required})
	}
	return schema, nil
}

// valueSchema returns the schema of a value. A pointer that is always written
// may be null.
func (s source) valueSchema(t reflect.Type, alwaysWritten bool) (object, error) {
	switch {
	case t == rawType:
		return object{}, nil // any JSON
	case t == timeType:
		return object{{"type", "string"}, {"format", "date-time"}, {"pattern", timePattern}}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		schema, err := s.valueSchema(t.Elem(), false)
		if err != nil || !alwaysWritten {
			return schema, err
		}
		schema[0].value = []any{schema[0].value, "null"}
		return schema, nil
	case reflect.Struct:
		return s.structSchema(t)
	case reflect.Slice:
		items, err := s.valueSchema(t.Elem(), true)
		return object{{"type", "array"}, {"items", items}}, err
	case reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}, {"minimum", 0}}, nil
	case reflect.String:
		return s.stringSchema(t), nil
	}
	return nil, fmt.Errorf("no schema for the Go type %s", t)
}

func (s source) stringSchema(t reflect.Type) object {
	schema := object{{"type", "string"}}
	if values := s.constants[t.Name()]; len(values) > 0 {
		if t == reflect.TypeFor[protocol.RunStatus]() {
			values = endings(s)
		}
		schema = append(schema, member{"enum", values})
	}
	return schema
}
