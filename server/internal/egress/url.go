package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/runhook/runhook/protocol"
)

// MaxURLBytes is the longest URL that is accepted.
const MaxURLBytes = 2048

// CheckURL returns an error if rawURL cannot be called on behalf of an
// environment of the given type: a [*URLError] if it is not an absolute http or
// https URL with a host, a [*RefusedError] if its host is an address, in any
// spelling, or localhost, and the policy forbids that. Names are not resolved.
func (g *Guard) CheckURL(rawURL string, environmentType protocol.EnvironmentType) error {
	host, err := hostOf(rawURL)
	if err != nil {
		return err
	}
	if address, err := netip.ParseAddr(host); err == nil {
		if refused := g.judge(address, environmentType); refused != nil {
			refused.Host = host
			return refused
		}
		return nil
	}
	if isLocalhost(host) {
		return g.checkLocalhost(host, environmentType)
	}
	if endsInNumber(host) {
		// Some resolvers take 127.1, 0x7f000001 or 0177.0.0.1 for addresses. No
		// name ends like that.
		return &URLError{fmt.Sprintf("has the host %q, which is no address and no name: write an IPv4 address as four decimal numbers", host)}
	}
	return nil
}

// checkLocalhost permits localhost if one of the loopback addresses is open.
func (g *Guard) checkLocalhost(host string, environmentType protocol.EnvironmentType) error {
	refused := g.judge(netip.AddrFrom4([4]byte{127, 0, 0, 1}), environmentType)
	if refused == nil || g.judge(netip.IPv6Loopback(), environmentType) == nil {
		return nil
	}
	refused.Host = host
	return refused
}

// hostOf returns the host of a well-formed URL, as it will be looked up.
func hostOf(rawURL string) (string, error) {
	if rawURL == "" {
		return "", &URLError{"is empty: want an absolute http or https URL"}
	}
	if len(rawURL) > MaxURLBytes {
		return "", &URLError{fmt.Sprintf("has %d bytes: at most %d are accepted", len(rawURL), MaxURLBytes)}
	}
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return "", &URLError{"cannot be parsed: want an absolute http or https URL, such as https://example.com/hook"}
	}
	switch {
	case parsed.Scheme == "":
		return "", &URLError{"is not absolute: it must start with http:// or https://"}
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return "", &URLError{fmt.Sprintf("has the scheme %q: only http and https can be called", parsed.Scheme)}
	case parsed.User != nil:
		return "", &URLError{"holds a user name or password: those cannot be part of it"}
	case parsed.Hostname() == "":
		return "", &URLError{"has no host: want an absolute http or https URL, such as https://example.com/hook"}
	}
	if port := parsed.Port(); port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return "", &URLError{fmt.Sprintf("has the port %q: want a number from 1 to 65535", port)}
		}
	}
	return lookedUp(parsed.Hostname())
}

// lookedUp returns the host as the HTTP client hands it to the resolver: names
// beyond ASCII are mapped first, which turns many a character into a digit or a
// dot.
func lookedUp(host string) (string, error) {
	if isASCII(host) {
		return host, nil
	}
	mapped, err := idna.Lookup.ToASCII(host)
	if err != nil || mapped == "" {
		return "", &URLError{"has a host that is not a valid international name"}
	}
	return mapped, nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isLocalhost reports whether a name always means this machine (RFC 6761).
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// endsInNumber reports whether the last label of a name is a number, decimal or
// hexadecimal, which is what marks an IPv4 address to lenient parsers.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	label := host[strings.LastIndexByte(host, '.')+1:]
	if label == "" {
		return false
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
