package egress

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// The names of the settings that open addresses, and ports of public ones.
const (
	AllowSetting = "RUNHOOK_EGRESS_ALLOW"
	PortsSetting = "RUNHOOK_EGRESS_PORTS"
	// DevelopmentSetting has DEVELOPMENT reach loopback and private addresses.
	DevelopmentSetting = "RUNHOOK_DEV_PRIVATE_NETWORKS"
)

// RefusedError says that the policy forbids an address, or a port.
type RefusedError struct {
	// Host is the host of the URL that led to the address; empty if unknown.
	Host string
	// Address is what was to be connected to; not valid if it was not looked up.
	Address netip.Addr
	// Port is the port that is refused; 0 if the address is.
	Port uint16
	// Embedded is the IPv4 address that Address leads to, if that is the one
	// that is refused; else it is not valid.
	Embedded        netip.Addr
	EnvironmentType protocol.EnvironmentType
	// Reason says what the refused address is, such as "a loopback address".
	Reason string

	local, strictDevelopment bool
}

// Error names the address, why it is refused, and what to do about it.
func (e *RefusedError) Error() string {
	if e.Port != 0 {
		return e.portError()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "refused to connect to %s", e.Address)
	if e.Host != "" && e.Host != e.Address.String() {
		fmt.Fprintf(&text, " (%s)", e.Host)
	}
	text.WriteString(" on behalf of " + e.environment())
	refused := e.Address
	if e.Embedded.IsValid() {
		refused = e.Embedded
		fmt.Fprintf(&text, ": it leads to %s, which is %s", e.Embedded, e.Reason)
	} else {
		fmt.Fprintf(&text, ": it is %s", e.Reason)
	}
	switch {
	case e.local && !e.strictDevelopment:
		text.WriteString(", which only DEVELOPMENT environments may reach")
	case e.local && e.EnvironmentType == protocol.Development:
		text.WriteString(", which DEVELOPMENT may not reach on this server; to permit it all of these, set " + DevelopmentSetting + "=true, and else")
	}
	fmt.Fprintf(&text, "; to permit it, add %s to %s", netip.PrefixFrom(refused, refused.BitLen()), AllowSetting)
	return text.String()
}

func (e *RefusedError) portError() string {
	host := e.Host
	if host == "" {
		host = e.Address.String()
	}
	return fmt.Sprintf("refused to connect to port %d of %s on behalf of %s: public hosts are called on ports 80, 443 and from 1024 up; to permit it, add %d to %s",
		e.Port, host, e.environment(), e.Port, PortsSetting)
}

func (e *RefusedError) environment() string {
	if e.EnvironmentType == "" {
		return "an environment of unknown type"
	}
	return fmt.Sprintf("a %s environment", e.EnvironmentType)
}

// URLError says that a URL is not one the server can call, whatever the policy.
type URLError struct {
	// Problem completes "the URL ...". It never holds the URL itself, which may
	// carry a password or be very long.
	Problem string
}

// Error returns the problem as a sentence.
func (e *URLError) Error() string { return "the URL " + e.Problem }
