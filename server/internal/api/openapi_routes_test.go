package api

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// routesBelow lists the routes below a place in the tree of patterns, as "GET
// /path/{name}".
func (b *branch) routesBelow(path string) (routes []string) {
	for segment, next := range b.literals {
		routes = append(routes, next.routesBelow(path+"/"+segment)...)
	}
	if b.any != nil {
		routes = append(routes, b.any.routesBelow(path+"/{}")...)
	}
	if b.many != nil {
		routes = append(routes, b.many.routesBelow(path+"/{}")...)
	}
	for suffix, ending := range map[string]*route{"": b.here, "/{}": b.rest} {
		if ending == nil {
			continue
		}
		filled := path + suffix
		for _, name := range ending.names {
			filled = strings.Replace(filled, "{}", "{"+name+"}", 1)
		}
		for method := range ending.methods {
			routes = append(routes, method+" "+filled)
		}
	}
	return routes
}

func TestTheDocumentHasExactlyTheRoutesOfOurOwnAPI(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, operations := range document.Paths {
		for method := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	var registered []string
	for _, route := range New(Config{}).router.root.routesBelow("") {
		if _, path, _ := strings.Cut(route, " "); strings.HasPrefix(path, "/api/runhook/") {
			registered = append(registered, route)
		}
	}
	const where = "internal/schema/api_*.go describes it; then go generate ./internal/schema"
	for _, route := range registered {
		if !slices.Contains(described, route) {
			t.Errorf("docs/openapi.json lacks %s: %s", route, where)
		}
	}
	for _, route := range described {
		if !slices.Contains(registered, route) {
			t.Errorf("docs/openapi.json has %s, which the server has not: %s", route, where)
		}
	}
}
