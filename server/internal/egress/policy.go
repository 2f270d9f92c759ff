package egress

import (
	"net/netip"

	"github.com/runhook/runhook/protocol"
)

// judge returns why the address may not be reached on behalf of an environment
// of the given type, or nil.
func (g *Guard) judge(address netip.Addr, environmentType protocol.EnvironmentType) *RefusedError {
	// A zone would keep the address out of every range, and a mapped address is
	// dialled as IPv4.
	address = address.WithZone("").Unmap()
	if refused := g.judgeAlone(address, environmentType); refused != nil {
		return refused
	}
	for _, inner := range embedded(address) {
		if refused := g.judgeAlone(inner, environmentType); refused != nil {
			refused.Embedded, refused.Address = refused.Address, address
			return refused
		}
	}
	return nil
}

func (g *Guard) judgeAlone(address netip.Addr, environmentType protocol.EnvironmentType) *RefusedError {
	in := rangeOf(address)
	switch {
	case in.kind == public:
		return nil
	case in.kind == local && environmentType == protocol.Development:
		return nil
	case g.listed(address, in):
		return nil
	}
	return &RefusedError{Address: address, EnvironmentType: environmentType, Reason: in.name, local: in.kind == local}
}

// listed reports whether the allow list opens the address.
func (g *Guard) listed(address netip.Addr, in addressRange) bool {
	for _, prefix := range g.allow {
		if !prefix.Contains(address) {
			continue
		}
		if in.kind != platform || prefix.Bits() >= in.prefix.Bits() {
			return true
		}
	}
	return false
}
