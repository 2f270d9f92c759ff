package main

import (
	"net/http"
	"slices"
	"strings"
)

// prefix is where the server's own API is.
const prefix = "/api/runhook/v1"

// operation is a request that the server's own API answers.
type operation struct {
	method, path string
	id, summary  string
	// details are said beside the summary, if it does not say all.
	details string
	query   []field
	// body is the schema of the request's; nil for none.
	body object
	// answer is the schema of the answer, or, if streams is set, what is streamed.
	answer  object
	streams string
}

// ownAPI returns the operations of the server's own API.
func ownAPI() []operation {
	return slices.Concat(runOperations(), appOperations(), notificationOperations(), subscriptionOperations(), serverOperations())
}

// paths returns the operations by their paths, in the order they come.
func paths(operations []operation) object {
	var paths object
	for _, o := range operations {
		path := prefix + o.path
		i := slices.IndexFunc(paths, func(m member) bool { return m.name == path })
		if i < 0 {
			i, paths = len(paths), append(paths, member{path, object{}})
		}
		paths[i].value = append(paths[i].value.(object), member{strings.ToLower(o.method), o.describe()})
	}
	return paths
}

func (o operation) describe() object {
	described := object{{"operationId", o.id}, {"summary", o.summary}}
	if o.details != "" {
		described = append(described, member{"description", o.details})
	}
	if parameters := o.parameters(); len(parameters) > 0 {
		described = append(described, member{"parameters", parameters})
	}
	if o.body != nil {
		described = append(described, member{"requestBody", object{
			{"required", true}, {"content", object{{"application/json", object{{"schema", o.body}}}}},
		}})
	}
	var content object
	if o.answer != nil {
		content = append(content, member{"application/json", object{{"schema", o.answer}}})
	}
	if o.streams != "" {
		content = append(content, member{"text/event-stream", object{{"schema", object{{"type", "string"}, {"description", o.streams}}}}})
	}
	return append(described, member{"responses", object{
		{"200", object{{"description", http.StatusText(http.StatusOK)}, {"content", content}}},
		{"default", object{{"$ref", "#/components/responses/Error"}}},
	}})
}

// parameters are what the path has in braces, and what the query may have.
func (o operation) parameters() []object {
	var parameters []object
	for segment := range strings.SplitSeq(o.path, "/") {
		if name, isParameter := strings.CutPrefix(segment, "{"); isParameter {
			parameters = append(parameters, object{
				{"name", strings.TrimSuffix(name, "}")}, {"in", "path"}, {"required", true}, {"schema", text},
			})
		}
	}
	for _, f := range o.query {
		parameters = append(parameters, object{
			{"name", f.name}, {"in", "query"}, {"required", false}, {"description", f.description}, {"schema", f.schema},
		})
	}
	return parameters
}

// paged returns the query of a list that comes in pages.
func paged(filters ...field) []field {
	return append(filters,
		field{"cursor", text, "Where the page begins: nextCursor of the page before. Absent for the first."},
		field{"take", between(1, 50), "How many to list at the most. Usually 20."},
	)
}

// page returns the schema of a page of a list.
func page(name string, items object) object {
	return shape(
		field{name, list(items), "What is listed."},
		field{"nextCursor?", text, "Where the next page begins; absent at the end."},
	)
}
