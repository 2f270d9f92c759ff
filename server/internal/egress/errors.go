package egress

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// AllowSetting is the name of the setting that opens addresses.
const AllowSetting = "RUNHOOK_EGRESS_ALLOW"

// RefusedError says that the policy forbids an address.
type RefusedError struct {
	// Host is the host of the URL that led to the address; empty if unknown.
	Host string
	// Address is what was to be connected to.
	Address netip.Addr
	// Embedded is the IPv4 address that Address leads to, if that is the one
	// that is refused; else it is not valid.
	Embedded        netip.Addr
	EnvironmentType protocol.EnvironmentType
	// Reason says what the refused address is, such as "a loopback address".
	Reason string

	local bool
}

// Error names the address, why it is refused, and what to do about it.
func (e *RefusedError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "refused to connect to %s", e.Address)
	if e.Host != "" && e.Host != e.Address.String() {
		fmt.Fprintf(&text, " (%s)", e.Host)
	}
	text.WriteString(" on behalf of ")
	if e.EnvironmentType != "" {
		fmt.Fprintf(&text, "a %s environment", e.EnvironmentType)
	} else {
		text.WriteString("an environment of unknown type")
	}
	refused := e.Address
	if e.Embedded.IsValid() {
		refused = e.Embedded
		fmt.Fprintf(&text, ": it leads to %s, which is %s", e.Embedded, e.Reason)
	} else {
		fmt.Fprintf(&text, ": it is %s", e.Reason)
	}
	if e.local {
		text.WriteString(", which only DEVELOPMENT environments may reach")
	}
	fmt.Fprintf(&text, "; to permit it, add %s to %s", netip.PrefixFrom(refused, refused.BitLen()), AllowSetting)
	return text.String()
}

// URLError says that a URL is not one the server can call, whatever the policy.
type URLError struct {
	// Problem completes "the URL ...". It never holds the URL itself, which may
	// carry a password or be very long.
	Problem string
}

// Error returns the problem as a sentence.
func (e *URLError) Error() string { return "the URL " + e.Problem }
