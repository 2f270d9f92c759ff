package inbound

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// hopHeaders concern only the connection that a request came on (RFC 9110, section
// 7.6.1), besides those that its Connection header names.
var hopHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// isHop returns whether a header, by its name in lower case, concerns only a
// connection.
func isHop(connection []string) func(name string) bool {
	hops := map[string]bool{}
	for _, name := range hopHeaders {
		hops[strings.ToLower(name)] = true
	}
	for _, list := range connection {
		for name := range strings.SplitSeq(list, ",") {
			hops[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	return func(name string) bool { return hops[name] }
}

// Incoming returns a request with its body as an app receives it. secure says that
// it was made over HTTPS.
func Incoming(r *http.Request, body []byte, secure bool) model.IncomingRequest {
	headers := map[string]string{"host": r.Host}
	hop := isHop(r.Header["Connection"])
	for name, values := range r.Header {
		if lower := strings.ToLower(name); !hop(lower) {
			headers[lower] = fromLatin1(protocol.HeaderValue(name, values))
		}
	}
	return model.IncomingRequest{URL: address(r, secure), Method: r.Method, Headers: headers, Body: body}
}

// address returns the URL that a request was made to, in ASCII.
func address(r *http.Request, secure bool) string {
	location := url.URL{Scheme: "http", Host: host(r), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: ascii(r.URL.RawQuery)}
	if secure {
		location.Scheme = "https"
	}
	return location.String()
}

// host returns the host that a request was made to; one that no URL can have is
// replaced by the address it came in at.
func host(r *http.Request) string {
	if parsed, err := url.Parse("http://" + r.Host); err == nil && parsed.Host == r.Host && r.Host != "" && ascii(r.Host) == r.Host {
		return r.Host
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return local.String()
	}
	return "localhost"
}

// ascii escapes in a query what is no visible ASCII.
func ascii(query string) string {
	const hexadecimal = "0123456789ABCDEF"
	var escaped strings.Builder
	for i := range len(query) {
		if char := query[i]; char > ' ' && char <= '~' {
			escaped.WriteByte(char)
		} else {
			escaped.Write([]byte{'%', hexadecimal[char>>4], hexadecimal[char&15]})
		}
	}
	return escaped.String()
}

// fromLatin1 returns text with a character for each byte.
func fromLatin1(value string) string {
	characters := make([]rune, len(value))
	for i := range len(value) {
		characters[i] = rune(value[i])
	}
	return string(characters)
}
