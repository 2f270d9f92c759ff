package egress

import "net/netip"

// kind is what the policy makes of a range of addresses.
type kind int

const (
	public   kind = iota
	local         // loopback and private: open to DEVELOPMENT
	platform      // link-local and cloud metadata: needs an entry of its own
	reserved      // nothing an app or a receiver can live at
)

// addressRange is a range that needs a decision, and what to call an address in it.
type addressRange struct {
	prefix netip.Prefix
	kind   kind
	name   string
}

// ranges follows the IANA special-purpose registries, to which it adds the
// metadata services of clouds. The longest prefix that has an address decides.
// An address in none of them is public.
var ranges = []addressRange{
	entry("0.0.0.0/8", reserved, "an unspecified address"),                // RFC 791
	entry("10.0.0.0/8", local, "a private address"),                       // RFC 1918
	entry("100.64.0.0/10", local, "a private (carrier-shared) address"),   // RFC 6598
	entry("100.100.100.200/32", platform, "a cloud metadata address"),     // Alibaba Cloud
	entry("127.0.0.0/8", local, "a loopback address"),                     // RFC 1122
	entry("168.63.129.16/32", platform, "a cloud metadata address"),       // Azure
	entry("169.254.0.0/16", platform, "a link-local or metadata address"), // RFC 3927
	entry("172.16.0.0/12", local, "a private address"),                    // RFC 1918
	entry("192.0.0.0/24", reserved, "a reserved address"),                 // RFC 6890
	entry("192.0.0.192/32", platform, "a cloud metadata address"),         // Oracle Cloud
	entry("192.0.2.0/24", reserved, "a documentation address"),            // RFC 5737
	entry("192.88.99.0/24", reserved, "a deprecated 6to4 relay address"),  // RFC 7526
	entry("192.168.0.0/16", local, "a private address"),                   // RFC 1918
	entry("198.18.0.0/15", reserved, "a benchmarking address"),            // RFC 2544
	entry("198.51.100.0/24", reserved, "a documentation address"),         // RFC 5737
	entry("203.0.113.0/24", reserved, "a documentation address"),          // RFC 5737
	entry("224.0.0.0/4", reserved, "a multicast address"),                 // RFC 5771
	entry("240.0.0.0/4", reserved, "a reserved address"),                  // RFC 1112
	entry("255.255.255.255/32", reserved, "the broadcast address"),        // RFC 919
	entry("::/0", reserved, "a reserved address"),                         // RFC 4291: all but the next line
	entry("2000::/3", public, "a public address"),                         // RFC 4291
	entry("::/96", reserved, "a deprecated IPv4-compatible address"),      // RFC 4291
	entry("::/128", reserved, "the unspecified address"),                  // RFC 4291
	entry("::1/128", local, "a loopback address"),                         // RFC 4291
	entry("::ffff:0:0:0/96", reserved, "an IPv4-translated address"),      // RFC 2765
	entry("64:ff9b::/96", public, "a NAT64 address"),                      // RFC 6052: what it carries decides
	entry("64:ff9b:1::/48", reserved, "a local NAT64 address"),            // RFC 8215
	entry("100::/64", reserved, "a discard-only address"),                 // RFC 6666
	entry("2001::/23", reserved, "a reserved (IETF protocol) address"),    // RFC 2928
	entry("2001::/32", reserved, "a Teredo address"),                      // RFC 4380
	entry("2001:db8::/32", reserved, "a documentation address"),           // RFC 3849
	entry("2002::/16", reserved, "a deprecated 6to4 address"),             // RFC 3056, RFC 7526
	entry("3fff::/20", reserved, "a documentation address"),               // RFC 9637
	entry("5f00::/16", reserved, "a segment-routing address"),             // RFC 9602
	entry("fc00::/7", local, "a private (unique local) address"),          // RFC 4193
	entry("fd00:c1::a9fe:a9fe/128", platform, "a cloud metadata address"), // Oracle Cloud
	entry("fd00:ec2::/32", platform, "a cloud metadata address"),          // AWS: 254, and 23 for credentials
	entry("fd20:ce::254/128", platform, "a cloud metadata address"),       // Google Cloud
	entry("fe80::/10", platform, "a link-local address"),                  // RFC 4291
	entry("fec0::/10", reserved, "a deprecated site-local address"),       // RFC 3879
	entry("ff00::/8", reserved, "a multicast address"),                    // RFC 4291
}

func entry(prefix string, kind kind, name string) addressRange {
	return addressRange{netip.MustParsePrefix(prefix), kind, name}
}

// rangeOf returns the narrowest range that has the address.
func rangeOf(address netip.Addr) addressRange {
	found := addressRange{kind: public, name: "a public address"}
	bits := -1
	for _, candidate := range ranges {
		if candidate.prefix.Bits() > bits && candidate.prefix.Contains(address) {
			found, bits = candidate, candidate.prefix.Bits()
		}
	}
	return found
}

var (
	compatible = netip.MustParsePrefix("::/96")
	translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)

// embedded returns the IPv4 addresses that an IPv6 address leads to: mostly none
// or one. Teredo carries two, the server's and, with its bits flipped, the
// client's.
//
// A local NAT64 prefix may be laid out in several ways (RFC 6052, section 2.2);
// the usual one, with the address at the end, is assumed. The range is refused
// anyway unless the operator has listed it.
func embedded(address netip.Addr) []netip.Addr {
	if !address.Is6() {
		return nil
	}
	bytes := address.As16()
	last := netip.AddrFrom4([4]byte(bytes[12:16]))
	switch {
	case address == netip.IPv6Unspecified() || address == netip.IPv6Loopback():
		return nil
	case compatible.Contains(address), translated.Contains(address),
		nat64.Contains(address), localNAT64.Contains(address):
		return []netip.Addr{last}
	case sixToFour.Contains(address):
		return []netip.Addr{netip.AddrFrom4([4]byte(bytes[2:6]))}
	case teredo.Contains(address):
		client := netip.AddrFrom4([4]byte{^bytes[12], ^bytes[13], ^bytes[14], ^bytes[15]})
		return []netip.Addr{netip.AddrFrom4([4]byte(bytes[4:8])), client}
	}
	return nil
}
