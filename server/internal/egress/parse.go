package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxURLBytes is the longest URL that is accepted, as it was given.
const MaxURLBytes = 2048

// ParseURL reads an absolute http or https URL and returns the one that is sent for
// it, normalised as the WHATWG URL Standard has it: blanks around it and tabs and
// line breaks in it are removed, backslashes before the query become slashes, the
// host is mapped to lower case and ASCII (IDNA), a default port and the fragment are
// dropped, dot segments are resolved, and what a path or a query cannot hold, such
// as a blank, a quote or a letter beyond ASCII, is percent-encoded. What is encoded
// already stays as it is, so a normalised URL is its own normal form.
//
// It is stricter than browsers where they guess: a URL needs two slashes before its
// host, a host that ends in a number must be an IPv4 address of four decimal numbers
// (see [Guard.CheckURL]), and user names and passwords are refused. A % in a path
// that begins no escape is sent as %25.
//
// The error is a [*URLError] that names the part which is wrong.
func ParseURL(rawURL string) (*url.URL, error) {
	if rawURL == "" {
		return nil, &URLError{"is empty: want an absolute http or https URL"}
	}
	if len(rawURL) > MaxURLBytes {
		return nil, &URLError{fmt.Sprintf("has %d bytes: at most %d are accepted", len(rawURL), MaxURLBytes)}
	}
	text := trimmed(rawURL)
	scheme, rest, err := cutScheme(text)
	if err != nil {
		return nil, err
	}
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	host, err := parseAuthority(scheme, rest[:end])
	if err != nil {
		return nil, err
	}
	path, query, hasQuery := cutPath(rest[end:])
	path = withoutDots(encodePath(path))
	unescaped, err := url.PathUnescape(path)
	if err != nil { // encodePath leaves no bad escape
		return nil, &URLError{"has a path that cannot be read: " + err.Error()}
	}
	return &url.URL{
		Scheme: scheme, Host: host, Path: unescaped, RawPath: path,
		RawQuery: encodeQuery(query), ForceQuery: hasQuery && query == "",
	}, nil
}

// ResolveURL reads a reference, such as the Location of a redirect, that stood in an
// answer from base, which is a URL of [ParseURL]. It is normalised as ParseURL does.
func ResolveURL(base *url.URL, reference string) (*url.URL, error) {
	text := trimmed(reference)
	origin := base.Scheme + "://" + base.Host
	path, _, _ := cutPath(text)
	switch colon := strings.IndexByte(path, ':'); {
	case colon > 0 && !strings.Contains(path[:colon], "/"):
		return ParseURL(text)
	case strings.HasPrefix(path, "//"):
		return ParseURL(base.Scheme + ":" + text)
	case strings.HasPrefix(path, "/"):
		return ParseURL(origin + text)
	case path != "":
		directory := base.EscapedPath()
		return ParseURL(origin + directory[:strings.LastIndexByte(directory, '/')+1] + text)
	case strings.HasPrefix(text, "?"):
		return ParseURL(origin + base.EscapedPath() + text)
	}
	return base, nil
}

// trimmed returns a URL without blanks and control characters around it, and without
// tabs and line breaks.
func trimmed(text string) string {
	text = strings.TrimFunc(text, func(char rune) bool { return char <= ' ' })
	if !strings.ContainsAny(text, "\t\r\n") {
		return text
	}
	return strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text)
}

// cutScheme returns the scheme of a URL in lower case, and what follows the two
// slashes behind it.
func cutScheme(text string) (scheme, rest string, err error) {
	end := strings.IndexAny(text, `:/\?#`)
	if end < 0 || text[end] != ':' {
		return "", "", &URLError{"is not absolute: it must start with http:// or https://"}
	}
	scheme = strings.ToLower(text[:end])
	if scheme != "http" && scheme != "https" {
		return "", "", &URLError{fmt.Sprintf("has the scheme %.40q: only http and https can be called", scheme)}
	}
	rest = text[end+1:]
	if len(rest) < 2 || !isSlash(rest[0]) || !isSlash(rest[1]) {
		return "", "", &URLError{"has no host: want an absolute http or https URL, such as https://example.com/hook"}
	}
	return scheme, rest[2:], nil
}

func isSlash(char byte) bool { return char == '/' || char == '\\' }

// parseAuthority returns the host of a URL, with its port unless that is the default.
func parseAuthority(scheme, authority string) (string, error) {
	if strings.Contains(authority, "@") {
		return "", &URLError{"holds a user name or password: those cannot be part of it"}
	}
	name, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 && !strings.HasSuffix(authority, "]") {
		name, port = authority[:colon], authority[colon+1:]
	}
	host, err := parseHost(name)
	if err != nil {
		return "", err
	}
	if port == "" {
		return host, nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return "", &URLError{fmt.Sprintf("has the port %.40q: want a number from 1 to 65535", port)}
	}
	if number == defaultPorts[scheme] {
		return host, nil
	}
	return host + ":" + strconv.FormatUint(number, 10), nil
}

var defaultPorts = map[string]uint64{"http": 80, "https": 443}

// parseHost returns a host as it is looked up: an IPv6 address in brackets, or a
// name in lower case and ASCII. Mapping a name turns many a character beyond ASCII
// into a digit or a dot.
func parseHost(text string) (string, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(strings.Replace(inner, "%25", "%", 1))
		if !ok || err != nil || !address.Is6() || strings.ContainsFunc(address.Zone(), isNotName) {
			return "", &URLError{fmt.Sprintf("has the host %.80q, which is not an IPv6 address", text)}
		}
		return "[" + address.String() + "]", nil
	}
	name, err := url.PathUnescape(text)
	if err != nil {
		return "", &URLError{fmt.Sprintf("has the host %.80q, which has a %% that begins no escape", text)}
	}
	if !isASCII(name) {
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return "", &URLError{fmt.Sprintf("has the host %.80q, which is not a valid international name", text)}
		}
	}
	if name == "" {
		return "", &URLError{"has no host: want an absolute http or https URL, such as https://example.com/hook"}
	}
	for i := range len(name) {
		if char := name[i]; char <= ' ' || char > '~' || strings.IndexByte("#%/:<>?@[\\]^|\"`{}", char) >= 0 {
			return "", &URLError{fmt.Sprintf("has the host %.80q, which has the character %q: no host has it", text, char)}
		}
	}
	return strings.ToLower(name), nil
}

func isNotName(char rune) bool {
	return (char|0x20 < 'a' || char|0x20 > 'z') && (char < '0' || char > '9') && !strings.ContainsRune("-._", char)
}

// cutPath cuts what follows the host of a URL into a path, with slashes for
// backslashes, and a query; the fragment is left out.
func cutPath(text string) (path, query string, hasQuery bool) {
	text, _, _ = strings.Cut(text, "#")
	path, query, hasQuery = strings.Cut(text, "?")
	return strings.ReplaceAll(path, `\`, "/"), query, hasQuery
}

// encodePath encodes what a path cannot hold, and every % that begins no escape.
func encodePath(path string) string {
	return encoded(path, func(i int) bool {
		if path[i] == '%' {
			return i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])
		}
		return strings.IndexByte("\"<>^`{|}", path[i]) >= 0
	})
}

// encodeQuery encodes what a query cannot hold.
func encodeQuery(query string) string {
	return encoded(query, func(i int) bool { return strings.IndexByte(`"<>'`, query[i]) >= 0 })
}

// encoded percent-encodes the blanks, control characters and bytes beyond ASCII of
// text, and those at the places for which also returns true.
func encoded(text string, also func(i int) bool) string {
	const digits = "0123456789ABCDEF"
	var result strings.Builder
	for i := range len(text) {
		if char := text[i]; char <= ' ' || char > '~' || also(i) {
			result.Write([]byte{'%', digits[char>>4], digits[char&15]})
		} else {
			result.WriteByte(char)
		}
	}
	return result.String()
}

func isHex(char byte) bool {
	return '0' <= char && char <= '9' || 'a' <= char|0x20 && char|0x20 <= 'f'
}

// withoutDots resolves the segments . and .. of an absolute path, escaped ones too.
func withoutDots(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
