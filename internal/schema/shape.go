package main

import (
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// field is a member of an object, or a parameter. A name that ends in ? is of one
// that may be absent.
type field struct {
	name        string
	schema      object
	description string
}

// The schemas of values.
var (
	anything = object{}
	text     = object{{"type", "string"}}
	boolean  = object{{"type", "boolean"}}
	count    = object{{"type", "integer"}, {"minimum", 0}}
	number   = object{{"type", "number"}, {"minimum", 0}}
	instant  = object{{"type", "string"}, {"format", "date-time"}}

	runStatus = oneOf(
		protocol.RunPending, protocol.RunQueued, protocol.RunWaitingOnConnections, protocol.RunPreprocessing, protocol.RunStarted,
		protocol.RunExecuting, protocol.RunWaitingToContinue, protocol.RunWaitingToExecute, protocol.RunSuccess, protocol.RunFailure,
		protocol.RunTimedOut, protocol.RunAborted, protocol.RunCanceled, protocol.RunUnresolvedAuth, protocol.RunInvalidPayload,
	)
	taskStatus = oneOf(
		protocol.TaskPending, protocol.TaskWaiting, protocol.TaskRunning, protocol.TaskCompleted, protocol.TaskErrored, protocol.TaskCanceled,
	)
)

func oneOf[T ~string](values ...T) object { return object{{"type", "string"}, {"enum", values}} }

func between(least, most int) object {
	return object{{"type", "integer"}, {"minimum", least}, {"maximum", most}}
}

func list(items object) object { return object{{"type", "array"}, {"items", items}} }

func table(values object) object { return object{{"type", "object"}, {"additionalProperties", values}} }

// orNull allows null beside values of one type.
func orNull(schema object) object {
	return append(object{{"type", []any{schema[0].value, "null"}}}, schema[1:]...)
}

// reference is to one of the schemas that shapes lists.
func reference(name string) object { return object{{"$ref", "#/components/schemas/" + name}} }

// shape returns the schema of an object.
func shape(fields ...field) object {
	properties, required := object{}, []string{}
	for _, f := range fields {
		name, optional := strings.CutSuffix(f.name, "?")
		if !optional {
			required = append(required, name)
		}
		properties = append(properties, member{name, append(object{{"description", f.description}}, f.schema...)})
	}
	return object{{"type", "object"}, {"properties", properties}, {"required", required}}
}

// shapes returns the objects that the server's own API returns, by their names.
func shapes() object {
	return slices.Concat(runShapes(), appShapes(), notificationShapes(), subscriptionShapes(), object{
		{"Done", shape(field{"ok", boolean, "Always true: what was asked for is done."})},
		{"RunID", shape(field{"id", text, "The run's id."})},
		{"Error", shape(
			field{"error", text, "What was wrong, and what to do."},
			field{"message", text, "The same."},
		)},
	})
}
