package egress

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseAllow reads an allow list: address ranges in CIDR notation, or single
// addresses, separated by commas. Empty entries are skipped. The error names
// the first entry that is wrong, and why.
func ParseAllow(list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		prefix, err := parseEntry(text)
		if err != nil {
			return nil, fmt.Errorf("allow list entry %q: %w", text, err)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

func parseEntry(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		if address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("an address with a zone cannot be listed; want %s", address.WithZone(""))
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("not an address range; want CIDR notation, such as 10.0.0.0/8 or fd00::/8, or a single address")
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("an IPv4 range in IPv6 notation; write it as IPv4, such as 10.0.0.0/8")
	case prefix != prefix.Masked():
		// Listing 10.1.2.3/8 opens sixteen million addresses, and was probably
		// meant to open one.
		return netip.Prefix{}, fmt.Errorf("has address bits beyond its length; want %s for the whole range or %s for the one address",
			prefix.Masked(), prefix.Addr())
	}
	return prefix, nil
}
