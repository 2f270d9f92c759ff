package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// router finds the handler of a request by its escaped path, so that an escaped
// slash stays within its segment (docs/protocol/api.md §T7). Where several patterns
// match, the one with a literal at the first place where they differ wins: the standard
// library's ServeMux refuses such sets of patterns, which the protocol has.
//
// A pattern's segments are literals, {name} for any one segment, {name+} for one or
// more, as few as do, and at its end {name...} for all that is left, as it is written.
type router struct {
	root *branch
}

// branch is a place in the tree of patterns.
type branch struct {
	literals map[string]*branch
	any      *branch
	many     *branch
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
		name, isMany := strings.CutSuffix(name, "+")
		switch {
		case segment == "": // the pattern is "/"
			continue
		case isParameter:
			names = append(names, name)
			if isRest {
				target = &at.rest
				continue
			}
			next := &at.any
			if isMany {
				next = &at.many
			}
			if *next == nil {
				*next = &branch{}
			}
			at = *next
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

// find returns the route of an escaped path and the values of its parameters, each
// unescaped once and without U+0000, which is not kept. Empty segments are passed over,
// such as that after a slash at the end, but in all that is left.
func (r *router) find(escapedPath string) (*route, []string) {
	path := segments{text: escapedPath}
	at := 0
	for segment := range strings.SplitSeq(escapedPath, "/") {
		if segment != "" {
			path.all, path.starts = append(path.all, segment), append(path.starts, at)
		}
		at += len(segment) + 1
	}
	found, values := r.root.find(path, nil)
	for i, value := range values {
		if unescaped, err := url.PathUnescape(value); err == nil {
			values[i] = strings.ReplaceAll(unescaped, "\x00", "\uFFFD")
		}
	}
	return found, values
}

// segments are those of an escaped path that are left, and where each begins in it.
type segments struct {
	text   string
	all    []string
	starts []int
}

func (s segments) after(n int) segments { return segments{s.text, s.all[n:], s.starts[n:]} }

// first returns the first n segments as they are written.
func (s segments) first(n int) string {
	return s.text[s.starts[0] : s.starts[n-1]+len(s.all[n-1])]
}

// mostSegments bounds how many segments one {name+} takes.
const mostSegments = 32

func (b *branch) find(left segments, values []string) (*route, []string) {
	if len(left.all) == 0 {
		return b.here, values
	}
	and := func(value string) []string { return append(values[:len(values):len(values)], value) }
	if next := b.literals[left.all[0]]; next != nil {
		if found, values := next.find(left.after(1), values); found != nil {
			return found, values
		}
	}
	if b.any != nil {
		if found, values := b.any.find(left.after(1), and(left.all[0])); found != nil {
			return found, values
		}
	}
	if b.many != nil {
		for n := range min(len(left.all), mostSegments) {
			if found, values := b.many.find(left.after(n+1), and(left.first(n+1))); found != nil {
				return found, values
			}
		}
	}
	if b.rest != nil {
		return b.rest, and(left.text[left.starts[0]:])
	}
	return nil, nil
}

// ServeHTTP implements http.Handler. The parameters are the request's path
// values.
func (r *router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	found, values := r.find(request.URL.EscapedPath())
	if found == nil {
		writeError(w, http.StatusNotFound, "Not found: there is nothing at "+request.Method+" "+singleSlashes(request.URL.Path))
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
	if noted := accessOf(request); noted != nil {
		noted.path = redactedPath(request)
	}
	handler.ServeHTTP(w, request)
}

// singleSlashes returns a path as the router reads it, without empty segments.
func singleSlashes(path string) string {
	return "/" + strings.Join(slices.DeleteFunc(strings.Split(path, "/"), func(segment string) bool { return segment == "" }), "/")
}

// allowed lists the methods of a route, for people and the Allow header.
func (r *route) allowed() string {
	methods := slices.Sorted(maps.Keys(r.methods))
	return strings.Join(methods, ", ")
}
