package api

import (
	"context"
	"net/http"
	"strings"
)

// accessKey is the key of a request's *access in its context.
type accessKey struct{}

// access is what the access log says of a request beyond what its HTTP server knows.
type access struct {
	// path has no secrets; it is empty for a request that no route takes.
	path, environment string
}

// accessOf returns what the access log says of a request; nil without one.
func accessOf(r *http.Request) *access {
	a, _ := r.Context().Value(accessKey{}).(*access)
	return a
}

// noteEnvironment says which environment a request is of.
func noteEnvironment(r *http.Request, environmentID string) {
	if noted := accessOf(r); noted != nil {
		noted.environment = environmentID
	}
}

// logged serves a request and writes one line about it: never a key, a query, a header
// or a secret of its path.
func (a *API) logged(w http.ResponseWriter, r *http.Request) {
	noted, started := &access{}, a.Clock.Now()
	counted := &countedWriter{ResponseWriter: w}
	r = r.WithContext(context.WithValue(r.Context(), accessKey{}, noted))
	defer func() {
		path := noted.path
		if path == "" {
			path = beginning(r.URL.Path)
		}
		a.Log.Info("request", "method", r.Method, "path", path, "status", counted.status, "duration_ms", a.Clock.Now().Sub(started).Milliseconds(),
			"bytes", counted.bytes, "environment", noted.environment, "address", a.clientAddress(r))
	}()
	a.router.ServeHTTP(counted, r)
}

// beginning is what may be shown of a path that no route takes: what follows its first
// two segments may be a secret that was mistyped.
func beginning(path string) string {
	const shown = 3 // with the empty one at its start
	segments := strings.SplitN(path, "/", shown+1)
	if len(segments) > shown {
		segments[shown] = "..."
	}
	for i, segment := range segments {
		if len(segment) > 20 {
			segments[i] = "..."
		}
	}
	return strings.Join(segments, "/")
}

// countedWriter counts what is answered.
type countedWriter struct {
	http.ResponseWriter
	// status is 0 until there is an answer.
	status int
	bytes  int64
}

// begun reports whether anything was answered.
func (w *countedWriter) begun() bool { return w.status >= http.StatusOK }

// WriteHeader implements http.ResponseWriter.
func (w *countedWriter) WriteHeader(status int) {
	if !w.begun() {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countedWriter) Write(text []byte) (int, error) {
	if !w.begun() {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(text)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets an http.ResponseController reach the writer below.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
