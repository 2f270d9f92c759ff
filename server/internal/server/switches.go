package server

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// The settings that switch environments, as people give them.
const (
	developmentSetting = "--dev (RUNHOOK_DEV=true)"
	networksSetting    = "--dev-private-networks (RUNHOOK_DEV_PRIVATE_NETWORKS=true)"
	disabledSetting    = "--disabled-environments (RUNHOOK_DISABLED_ENVIRONMENTS)"
)

// switches say which environments are off, and how far DEVELOPMENT reaches.
type switches struct {
	// off says why an environment is off, and how it is switched on.
	off map[protocol.EnvironmentType]string
	// privateNetworks is set if DEVELOPMENT reaches loopback and private addresses.
	privateNetworks bool
}

// planSwitches decides them for a server that others know by its public URL. What
// is not configured depends on whether that URL is for the internet: the key of
// DEVELOPMENT lies on the machines of developers, and its apps may be on private
// networks.
func planSwitches(c Config, publicURL string) switches {
	local := isLocal(publicURL)
	s := switches{off: map[protocol.EnvironmentType]string{}, privateNetworks: local}
	if c.DevelopmentNetworks != nil {
		s.privateNetworks = *c.DevelopmentNetworks
	}
	for _, disabled := range c.Disabled {
		s.off[disabled] = "it is named by " + disabledSetting
	}
	switch {
	case c.Development == nil && !local && s.off[protocol.Development] == "":
		s.off[protocol.Development] = fmt.Sprintf("the public URL %s is for the internet; switch it on with %s", publicURL, developmentSetting)
	case c.Development != nil && !*c.Development:
		s.off[protocol.Development] = "it was switched off with --no-dev (RUNHOOK_DEV=false); switch it on with " + developmentSetting
	}
	return s
}

// localDomains are those that no name of the internet ends with.
var localDomains = []string{".localhost", ".local", ".internal", ".test", ".home.arpa"}

// isLocal reports whether the host of a URL is one that only machines nearby can
// reach: a loopback, link-local, private or shared (RFC 6598) address, or a name that
// the internet does not have.
func isLocal(rawURL string) bool {
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(parsed.Hostname(), "."))
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		return address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() || address.IsUnspecified() ||
			netip.MustParsePrefix("100.64.0.0/10").Contains(address)
	}
	return !strings.Contains(host, ".") && !isNumber(host) ||
		slices.ContainsFunc(localDomains, func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// isNumber reports whether a host is an IPv4 address written as one number, such as
// 134744072 or 0x8080808.
func isNumber(host string) bool {
	return host != "" && host[0] >= '0' && host[0] <= '9' && !strings.ContainsFunc(host, func(r rune) bool {
		return !strings.ContainsRune("0123456789abcdefx", r)
	})
}

// checkDisabled finds what is wrong with the environments to switch off.
func checkDisabled(c Config) error {
	named := map[protocol.EnvironmentType]bool{}
	for _, disabled := range c.Disabled {
		if !slices.ContainsFunc(environments, func(e environmentKind) bool { return e.kind == disabled }) {
			return fmt.Errorf("there is no environment %q; want PRODUCTION, STAGING, DEVELOPMENT or PREVIEW, separated by commas", disabled)
		}
		named[disabled] = true
	}
	switch {
	case named[protocol.Development] && c.Development != nil && *c.Development:
		return fmt.Errorf("DEVELOPMENT is named, and switched on with --dev (RUNHOOK_DEV) as well")
	case len(named) == len(environments):
		return fmt.Errorf("all environments are named; a server needs one that is on")
	}
	return nil
}

// announce logs what is off, and how to switch it on.
func (s *Server) announceSwitches() {
	for _, e := range environments {
		if why := s.switches.off[e.kind]; why != "" {
			s.config.Log.Warn(string(e.kind)+" is switched off: "+why, "environment", string(e.kind))
		}
	}
	if s.switches.off[protocol.Development] == "" && !s.switches.privateNetworks {
		s.config.Log.Warn("apps and receivers of DEVELOPMENT on loopback and private addresses are not reached; permit them with "+networksSetting, "environment", string(protocol.Development))
	}
}
