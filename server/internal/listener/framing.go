package listener

import (
	"net/http"
	"net/url"
	"strings"
)

// received prepares a request before anything else looks at it, logs and
// authorisation included: its path begins with one slash, and a connection on which
// the ends of requests may be in dispute is closed.
func received(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if framedAmbiguously(r) {
		w.Header().Set("Connection", "close")
	}
	next.ServeHTTP(w, withSingleSlashes(r))
}

// framedAmbiguously reports whether a proxy on the way may have taken the request
// to end elsewhere than this server did, so that what follows on the connection
// might be part of it (RFC 9112, sections 6.1 and 11.2). net/http drops the
// Content-Length of a request that has a Transfer-Encoding as well, and the
// Transfer-Encoding of one in HTTP/1.0, so every request that may have had both
// counts.
func framedAmbiguously(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

// withSingleSlashes returns the request with the slashes that its path begins with
// replaced by one: clients put an API's URL that ends in a slash before a path. Others
// may be those of a key, and stay.
func withSingleSlashes(r *http.Request) *http.Request {
	escaped := r.URL.EscapedPath()
	if !strings.HasPrefix(escaped, "//") {
		return r
	}
	single := "/" + strings.TrimLeft(escaped, "/")
	path, err := url.PathUnescape(single)
	if err != nil { // EscapedPath returns only what can be unescaped
		return r
	}
	normalised, location := *r, *r.URL
	location.Path, location.RawPath = path, single
	normalised.URL, normalised.RequestURI = &location, location.RequestURI()
	return &normalised
}
