package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// router finds the handler of a request by its escaped path, so that an escaped
// slash stays within its segment (api.md T7). Where several patterns match, the
// one with a literal at the first place where they differ wins: the standard
// library's ServeMux refuses such sets of patterns, which the protocol has.
//
// A pattern's segments are literals, {name} for any one segment, and at its end
// {name...} for all that is left.
type router struct {
	root *branch
}

// branch is a place in the tree of patterns.
type branch struct {
	literals map[string]*branch
	any      *branch
	rest     *route
	here     *route
}

// route is what stands at the end of a pattern.
type route struct {
	names   []string
	methods map[string]http.Handler
	// every serves the methods that methods does not name; nil for none.
	every http.Handler
}

func newRouter() *router { return &router{root: &branch{}} }

// handle adds a handler for a method, or "" for every other method.
func (r *router) handle(method, pattern string, handler http.Handler) {
	at := r.root
	var names []string
	target := &at.here
	for _, segment := range strings.Split(strings.Trim(pattern, "/"), "/") {
		name, isParameter := strings.CutPrefix(segment, "{")
		name, isRest := strings.CutSuffix(strings.TrimSuffix(name, "}"), "...")
		switch {
		case segment == "": // the pattern is "/"
			continue
		case isParameter:
			names = append(names, name)
			if isRest {
				target = &at.rest
				continue
			}
			if at.any == nil {
				at.any = &branch{}
			}
			at = at.any
		default:
			if at.literals == nil {
				at.literals = map[string]*branch{}
			}
			if at.literals[segment] == nil {
				at.literals[segment] = &branch{}
			}
			at = at.literals[segment]
		}
		target = &at.here
	}
	if *target == nil {
		*target = &route{names: names, methods: map[string]http.Handler{}}
	}
	if method == "" {
		(*target).every = handler
		return
	}
	(*target).methods[method] = handler
}

// find returns the route of an escaped path and the values of its parameters,
// each unescaped once and without U+0000, which is not kept. Empty segments are passed over, such as that after a slash at
// the end.
func (r *router) find(escapedPath string) (*route, []string) {
	segments := make([]string, 0, 10)
	for segment := range strings.SplitSeq(escapedPath, "/") {
		if segment != "" {
			segments = append(segments, segment)
		}
	}
	found, values := r.root.find(segments, nil)
	for i, value := range values {
		if unescaped, err := url.PathUnescape(value); err == nil {
			values[i] = strings.ReplaceAll(unescaped, "\x00", "\uFFFD")
		}
	}
	return found, values
}

func (b *branch) find(segments, values []string) (*route, []string) {
	if len(segments) == 0 {
		return b.here, values
	}
	if next := b.literals[segments[0]]; next != nil {
		if found, values := next.find(segments[1:], values); found != nil {
			return found, values
		}
	}
	if b.any != nil {
		if found, values := b.any.find(segments[1:], append(values[:len(values):len(values)], segments[0])); found != nil {
			return found, values
		}
	}
	if b.rest != nil {
		return b.rest, append(values[:len(values):len(values)], strings.Join(segments, "/"))
	}
	return nil, nil
}

// ServeHTTP implements http.Handler. The parameters are the request's path
// values.
func (r *router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	found, values := r.find(request.URL.EscapedPath())
	if found == nil {
		writeError(w, http.StatusNotFound, "Not found: there is nothing at "+request.Method+" "+request.URL.Path)
		return
	}
	handler, ok := found.methods[request.Method]
	if !ok && request.Method == http.MethodHead {
		handler, ok = found.methods[http.MethodGet]
	}
	if !ok {
		handler = found.every
	}
	if handler == nil {
		w.Header().Set("Allow", found.allowed())
		writeError(w, http.StatusMethodNotAllowed, "Method Not Allowed: use "+found.allowed())
		return
	}
	for i, name := range found.names {
		request.SetPathValue(name, values[i])
	}
	handler.ServeHTTP(w, request)
}

// allowed lists the methods of a route, for people and the Allow header.
func (r *route) allowed() string {
	methods := slices.Sorted(maps.Keys(r.methods))
	return strings.Join(methods, ", ")
}
