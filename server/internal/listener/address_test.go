package listener_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/listener"
)

func TestTheClientAddressIsTheLastThatNoTrustedProxyHas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted, peer string
		forwarded     []string
		want          string
	}{
		"no proxy is trusted":          {"", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		"another is trusted":           {"10.0.0.0/8", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		"the proxy is trusted":         {"10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		"one address is trusted":       {"10.1.2.3", "10.1.2.3:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		"without the header":           {"10.0.0.0/8", "10.1.2.3:1234", nil, "10.1.2.3"},
		"an empty header":              {"10.0.0.0/8", "10.1.2.3:1234", []string{""}, "10.1.2.3"},
		"what the client claims":       {"10.0.0.0/8", "10.1.2.3:1234", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		"a header of the client's own": {"10.0.0.0/8", "10.1.2.3:1234", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		"two proxies":                  {"10.0.0.0/8", "10.1.2.3:1234", []string{"1.1.1.1,198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		"two proxies, two headers":     {"10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.7", "10.9.9.9"}, "198.51.100.7"},
		"only proxies":                 {"10.0.0.0/8", "10.1.2.3:1234", []string{"10.9.9.9"}, "10.9.9.9"},
		"what is no address":           {"10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.7, unknown"}, "10.1.2.3"},
		"nothing between commas":       {"10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.7,,10.9.9.9"}, "10.9.9.9"},
		"with a port":                  {"10.0.0.0/8", "10.1.2.3:1234", []string{"198.51.100.7:80"}, "198.51.100.7"},
		"IPv6 with a port":             {"::1", "[::1]:1234", []string{"[2001:db8::7]:80"}, "2001:db8::7"},
		"IPv6 in brackets":             {"::1", "[::1]:1234", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv4 in IPv6":                 {"10.0.0.0/8", "[::ffff:10.1.2.3]:1234", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"a range of IPv4 in IPv6":      {"::ffff:10.0.0.0/104", "10.1.2.3:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		"a zone":                       {"", "[fe80::1%eth0]:1234", nil, "fe80::1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxies, err := listener.ParseProxies(c.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
			if c.forwarded != nil {
				r.Header["X-Forwarded-For"] = c.forwarded
			}
			if got := proxies.ClientAddress(r); got != netip.MustParseAddr(c.want) {
				t.Errorf("the client is %v, want %s", got, c.want)
			}
		})
	}
}

func TestAConnectionWithoutAnAddressHasNoClientAddress(t *testing.T) {
	t.Parallel()
	proxies, _ := listener.ParseProxies("0.0.0.0/0,::/0")
	for _, peer := range []string{"", "pipe", "@"} {
		if got := proxies.ClientAddress(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}}); got.IsValid() {
			t.Errorf("the client at %q is %v", peer, got)
		}
	}
}

func TestRangesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"10.0.0.0/33", "proxy.example", "10.0.0.0/8 10.1.0.0/16", "fe80::1%eth0", "10.0.0/8", "*"} {
		if _, err := listener.ParseProxies(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error of %q is %v", text, err)
		}
	}
	if proxies, err := listener.ParseProxies(" 10.0.0.0/8 , ::1,"); err != nil || len(proxies) != 2 {
		t.Errorf("%v, %v", proxies, err)
	}
}

func TestCallersOfOneIPv6NetworkAreOneGroup(t *testing.T) {
	t.Parallel()
	group := func(text string) netip.Addr { return listener.Group(netip.MustParseAddr(text)) }
	if group("2001:db8::1") != group("2001:db8::ffff:1") || group("2001:db8::1") == group("2001:db8:0:1::1") {
		t.Error("a group is not a /64 of IPv6")
	}
	if group("192.0.2.1") == group("192.0.2.2") {
		t.Error("addresses of IPv4 are one group")
	}
	if listener.Group(netip.Addr{}).IsValid() {
		t.Error("no address has a group")
	}
}

func TestTheSchemeIsWhatTrustedProxiesSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted, peer, header string
		tls                   *tls.ConnectionState
		want                  bool
	}{
		"plain":                         {want: false, peer: "192.0.2.1:1"},
		"TLS":                           {want: true, peer: "192.0.2.1:1", tls: &tls.ConnectionState{}},
		"said, and no proxy is trusted": {want: true, peer: "192.0.2.1:1", header: "https"},
		"said by a proxy":               {want: true, peer: "10.0.0.1:1", header: "HTTPS, http", trusted: "10.0.0.1"},
		"said by another":               {want: false, peer: "192.0.2.1:1", header: "https", trusted: "10.0.0.1"},
		"said to be plain":              {want: false, peer: "10.0.0.1:1", header: "http, https", trusted: "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxies, err := listener.ParseProxies(c.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{RemoteAddr: c.peer, TLS: c.tls, Header: http.Header{"X-Forwarded-Proto": {c.header}}}
			if got := proxies.Secure(r); got != c.want {
				t.Errorf("secure is %v, want %v", got, c.want)
			}
		})
	}
}
