package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// CheckURL returns an error if rawURL cannot be called on behalf of an
// environment of the given type: a [*URLError] if it is not a URL of [ParseURL], a
// [*RefusedError] if its host is an address, in any spelling, or localhost, and the
// policy forbids that, or if the policy forbids its port wherever it leads. Names
// are not resolved.
func (g *Guard) CheckURL(rawURL string, environmentType protocol.EnvironmentType) error {
	parsed, err := ParseURL(rawURL)
	if err != nil {
		return err
	}
	host, port := parsed.Hostname(), portOf(parsed)
	if address, err := netip.ParseAddr(host); err == nil {
		refused := g.judge(address, environmentType)
		if refused == nil {
			refused = g.judgePort(address, port, environmentType)
		}
		if refused != nil {
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
	// A name may be that of an address that is not public, where any port is open.
	if reachesLocal := environmentType == protocol.Development || len(g.allow) > 0; !reachesLocal && !g.isOpen(port) {
		return &RefusedError{Host: host, Port: port, EnvironmentType: environmentType}
	}
	return nil
}

// portOf returns the port of a normalised URL.
func portOf(location *url.URL) uint16 {
	number := defaultPorts[location.Scheme]
	if text := location.Port(); text != "" {
		number, _ = strconv.ParseUint(text, 10, 16) // ParseURL has read it
	}
	return uint16(number)
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
