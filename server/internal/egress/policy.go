package egress

import (
	"net/netip"
	"slices"

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

// judgePort returns why a port of an address that judge permits may not be reached,
// or nil. Below 1024 live services that take whatever they are sent for commands,
// such as SMTP.
func (g *Guard) judgePort(address netip.Addr, port uint16, environmentType protocol.EnvironmentType) *RefusedError {
	address = address.WithZone("").Unmap()
	if g.isOpen(port) || rangeOf(address).kind != public {
		return nil
	}
	return &RefusedError{Address: address, Port: port, EnvironmentType: environmentType}
}

// isOpen reports whether public hosts may be called on a port.
func (g *Guard) isOpen(port uint16) bool {
	const firstUnprivileged = 1024
	return port >= firstUnprivileged || port == 80 || port == 443 ||
		slices.ContainsFunc(g.ports, func(listed PortRange) bool { return listed.First <= port && port <= listed.Last })
}

func (g *Guard) judgeAlone(address netip.Addr, environmentType protocol.EnvironmentType) *RefusedError {
	in := rangeOf(address)
	switch {
	case in.kind == public:
		return nil
	case in.kind == local && environmentType == protocol.Development && !g.strictDevelopment:
		return nil
	case g.listed(address, in):
		return nil
	}
	return &RefusedError{Address: address, EnvironmentType: environmentType, Reason: in.name, local: in.kind == local, strictDevelopment: g.strictDevelopment}
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
