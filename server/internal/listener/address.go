package listener

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the address ranges of the reverse proxies in front of the server. The
// headers in which they say who called are believed from them and from no other peer.
// The zero value trusts none.
type Proxies []netip.Prefix

// ParseProxies reads ranges (CIDRs) or single addresses, separated by commas.
func ParseProxies(text string) (Proxies, error) {
	var proxies Proxies
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if address, ofOne := netip.ParseAddr(item); ofOne == nil && address.Zone() == "" {
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("want address ranges such as 10.0.0.0/8 or single addresses, separated by commas, not %q", item)
		}
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// Trust reports whether an address is that of a trusted proxy.
func (p Proxies) Trust(address netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// ClientAddress returns the address of a request's client: the peer of its
// connection or, where that is a trusted proxy, the last address in
// X-Forwarded-For that is not one. What stands before that in the header is what
// the client claims, and is ignored. IPv4 in IPv6 is returned as IPv4, without a
// zone. The address is invalid if the connection has none, as in a test.
func (p Proxies) ClientAddress(r *http.Request) netip.Addr {
	client := peerAddress(r.RemoteAddr)
	if len(p) == 0 || !p.Trust(client) {
		return client
	}
	values := r.Header["X-Forwarded-For"]
	for i := len(values) - 1; i >= 0; i-- {
		for rest := values[i]; rest != ""; {
			last := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, last = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			address, ok := forwardedAddress(strings.TrimSpace(last))
			if !ok {
				return client // the proxy that we know of is the best we have
			}
			client = address
			if !p.Trust(client) {
				return client
			}
		}
	}
	return client
}

// Secure reports whether a request was made over HTTPS: to this server or,
// as X-Forwarded-Proto says, to a proxy. Where no proxies are trusted, anyone is
// believed about that; it decides nothing but the URL that an app receives.
func (p Proxies) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if len(p) > 0 && !p.Trust(peerAddress(r.RemoteAddr)) {
		return false
	}
	// Proxies on the way each add a value; the first is what the caller used.
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(first), "https")
}

// Group returns what stands for an address where callers are counted: itself, or
// for IPv6 its /64, as a client with one address there has all of them.
func Group(address netip.Addr) netip.Addr {
	const network = 64
	if !address.Is6() {
		return address
	}
	prefix, err := address.Prefix(network)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// peerAddress reads the address of a connection's other end, with its port.
func peerAddress(text string) netip.Addr {
	peer, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(peer.Addr())
}

// forwardedAddress reads an address as proxies write it: some add the port, and
// brackets around IPv6.
func forwardedAddress(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		return plain(address), true
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plain(withPort.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return plain(address), err == nil
	}
	return netip.Addr{}, false
}

func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
