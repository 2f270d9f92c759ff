package egress_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// lenient is how a libc resolver reads what Go takes for names; the tests'
// resolver answers the same, so that the dialer is all that stands in the way.
var lenient = map[string]string{
	"localhost": "127.0.0.1", "127.1": "127.0.0.1", "127.0.1": "127.0.0.1", "0": "0.0.0.0",
	"2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1", "0x7f.0.0.1": "127.0.0.1",
	"0177.0.0.1": "127.0.0.1", "017700000001": "127.0.0.1", "127.0.0.01": "127.0.0.1",
	"2852039166": "169.254.169.254", "0xa9fea9fe": "169.254.169.254",
	"metadata.google.internal": "169.254.169.254", "127.0.0.1.wildcard.test": "127.0.0.1",
	"db": "10.0.0.7", "intranet.test": "192.168.1.7", "wire.test": "168.63.129.16",
}

func (h *harness) lenient() {
	for name, address := range lenient {
		h.names.set(name, address)
	}
}

// vector is a way to write a URL that leads to where a PRODUCTION environment must
// not get.
type vector struct {
	// how is what it tries.
	how  string
	urls []string
}

// refused are the vectors that CheckURL refuses already.
var refused = []vector{
	{"loopback as it is", []string{"http://127.0.0.1/", "http://127.0.0.2/", "HTTP://127.0.0.1/", "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/"}},
	{"loopback by name", []string{"http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://app.localhost/"}},
	{"an address in short form", []string{"http://127.1/", "http://127.0.1/", "http://0/"}},
	{"an address as one number", []string{"http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://2852039166/", "http://0xA9FEA9FE/"}},
	{"an address in octal or hexadecimal parts", []string{"http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.0.0.01/"}},
	{"the unspecified address", []string{"http://0.0.0.0/", "http://[::]/"}},
	{"IPv4 mapped into IPv6", []string{"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:168.63.129.16]/", "http://[::ffff:169.254.169.254]/"}},
	{"IPv4 compatible with IPv6, and translated", []string{"http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/"}},
	{"IPv4 behind NAT64", []string{"http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::7f00:1]/", "http://[64:ff9b::a83f:8110]/"}},
	{"IPv4 in 6to4 and Teredo", []string{"http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::]/", "http://[2001:0:7f00:1::]/"}},
	{"a link-local address and zones", []string{"http://[fe80::1]/", "http://[fe80::1%25lo]/", "http://[::1%25lo]/"}},
	{"IPv6 without hosts", []string{"http://[ff02::1]/", "http://[fec0::1]/", "http://[100::1]/", "http://[5f00::1]/", "http://[3fff::1]/", "http://[2001:db8::1]/"}},
	{"cloud metadata", []string{
		"http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/v2/credentials", "http://[fd00:ec2::254]/", "http://[fd00:ec2::23]/",
		"http://[fd20:ce::254]/", "http://[fd00:c1::a9fe:a9fe]/", "http://100.100.100.200/", "http://192.0.0.192/", "http://168.63.129.16/",
	}},
	{"private addresses", []string{"http://10.0.0.1:6379/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://[fd12::1]/"}},
	{"IPv4 without hosts", []string{
		"http://198.18.0.1/", "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/",
		"http://192.0.2.1/", "http://192.88.99.1/", "http://198.51.100.1/", "http://203.0.113.1/",
	}},
	{"user names and other ways to hide the host", []string{
		"http://user:pass@127.0.0.1/", "http://example.com@127.0.0.1/", "http://127.0.0.1?@example.com/",
		"http://127.0.0.1#@example.com/",
	}},
	{"line breaks, tabs and spaces", []string{" http://127.0.0.1/", "http://127.0.0.1/\nHost: x"}},
	{"digits and dots beyond ASCII", []string{"http://１２７.０.０.１/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://ⓛocalhost/"}},
	{"odd ports", []string{"http://127.0.0.1:080/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:-1/", "http://example.com:0/", "http://example.com:65536/"}},
	{"no host", []string{"http://:80/", "http:///127.0.0.1/", "//127.0.0.1/", "http:127.0.0.1/"}},
	{"other schemes", []string{
		"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "dict://127.0.0.1/",
		"unix:///var/run/docker.sock", "http+unix://x/", "data:text/plain,x", "javascript:alert(1)",
	}},
}

// refusedURLs are the URLs of all vectors.
func refusedURLs() (urls []string) {
	for _, vector := range refused {
		urls = append(urls, vector.urls...)
	}
	return urls
}

// refusedNames pass CheckURL, which asks no DNS, and are refused when dialled.
var refusedNames = []string{
	"http://metadata.google.internal/", "http://127.0.0.1.wildcard.test/", "http://db/",
	"http://intranet.test/", "http://wire.test/",
}

func TestURLsThatLeadToForbiddenPlacesAreNeverDialled(t *testing.T) {
	h := newHarness(t, egress.Config{}, false)
	h.lenient()
	for _, vector := range append(slices.Clone(refused), vector{"names that lead there", refusedNames}) {
		t.Run(vector.how, func(t *testing.T) {
			for _, url := range vector.urls {
				for _, environmentType := range []protocol.EnvironmentType{protocol.Production, protocol.Staging, protocol.Preview, ""} {
					dialled, err := h.get(t, environmentType, url)
					if err == nil || len(dialled) > 0 {
						t.Errorf("%q, %s: got as far as %v, error %v", url, environmentType, dialled, err)
					}
				}
			}
		})
	}
}

func TestURLsThatLeadToForbiddenPlacesAreNotAccepted(t *testing.T) {
	h := newHarness(t, egress.Config{}, false)
	for _, vector := range refused {
		t.Run(vector.how, func(t *testing.T) {
			for _, url := range vector.urls {
				err := h.CheckURL(url, protocol.Production)
				_, forbidden := errors.AsType[*egress.RefusedError](err)
				if _, wrong := errors.AsType[*egress.URLError](err); !forbidden && !wrong {
					t.Errorf("%q: error %v (%T), want a RefusedError or a URLError", url, err, err)
				}
			}
		})
	}
	for _, name := range refusedNames {
		if err := h.CheckURL(name, protocol.Production); err != nil {
			t.Errorf("%s: names are not resolved, but got %v", name, err)
		}
	}
}

func TestTheHostAfterAFragmentOrQueryIsNotTheHost(t *testing.T) {
	h := newHarness(t, egress.Config{}, true)
	h.names.set("example.com", "93.184.216.34")
	want := []netip.Addr{netip.MustParseAddr("93.184.216.34")}
	for _, url := range []string{"http://example.com#@127.0.0.1/", "http://example.com?@127.0.0.1/"} {
		if err := h.CheckURL(url, protocol.Production); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if dialled, _ := h.get(t, protocol.Production, url); !slices.Equal(dialled, want) {
			t.Errorf("%s: dialled %v, want %v", url, dialled, want)
		}
	}
}

func TestANameIsJudgedByTheAddressItHasWhenDialled(t *testing.T) {
	const name = "http://app.test/"
	tests := []struct {
		name    string
		answers []string
		dialled []string
	}{
		{"a public address is dialled", []string{"93.184.216.34"}, []string{"93.184.216.34"}},
		{"of a private and a public address only the public one is dialled", []string{"10.0.0.1", "93.184.216.34"}, []string{"93.184.216.34"}},
		{"a private IPv6 address beside a public IPv4 one is not dialled", []string{"fd00::1", "93.184.216.34"}, []string{"93.184.216.34"}},
		{"a metadata address beside a public one is not dialled", []string{"93.184.216.34", "169.254.169.254"}, []string{"93.184.216.34"}},
		{"NAT64 to a public address is dialled", []string{"64:ff9b::5db8:d822"}, []string{"64:ff9b::5db8:d822"}},
		{"private addresses alone are not dialled", []string{"10.0.0.1", "fd00::1", "::1"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, egress.Config{}, true)
			h.names.set("app.test", test.answers...)
			dialled, err := h.get(t, protocol.Production, name)
			var want []netip.Addr
			for _, address := range test.dialled {
				want = append(want, netip.MustParseAddr(address))
			}
			if len(want) > 0 && want[0].Is6() && !hasIPv6() {
				want = nil
			}
			if !slices.Equal(dialled, want) {
				t.Errorf("dialled %v, want %v (error %v)", dialled, want, err)
			}
		})
	}
}

func TestANameThatChangesItsAddressBetweenCheckAndUseIsRefused(t *testing.T) {
	h := newHarness(t, egress.Config{}, true)
	h.names.set("rebind.test", "93.184.216.34")
	if dialled, _ := h.get(t, protocol.Production, "http://rebind.test/"); len(dialled) != 1 {
		t.Fatalf("dialled %v, want the public address", dialled)
	}
	h.names.set("rebind.test", "127.0.0.1")
	dialled, err := h.get(t, protocol.Production, "http://rebind.test/")
	refused, ok := errors.AsType[*egress.RefusedError](err)
	if !ok || len(dialled) > 0 {
		t.Fatalf("dialled %v, error %v, want a refusal", dialled, err)
	}
	if refused.Host != "rebind.test" {
		t.Errorf("refusal names the host %q", refused.Host)
	}
}

func TestAnAliasOfAnInternalNameIsRefused(t *testing.T) {
	h := newHarness(t, egress.Config{}, true)
	h.names.set("internal.test", "10.0.0.9")
	h.names.alias("public.test", "internal.test")
	dialled, err := h.get(t, protocol.Production, "http://public.test/")
	if _, ok := errors.AsType[*egress.RefusedError](err); !ok || len(dialled) > 0 {
		t.Fatalf("dialled %v, error %v, want a refusal", dialled, err)
	}
}

func TestAConnectionIsCheckedAgainWhenItIsOpenedAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok"))
	}))
	defer server.Close()
	h := newHarness(t, egress.Config{Allow: prefixes(t, "127.0.0.1/32")}, false)
	h.names.set("moving.test", "127.0.0.1")
	url := strings.Replace(server.URL, "127.0.0.1", "moving.test", 1)
	if _, err := h.get(t, protocol.Production, url); err != nil {
		t.Fatal(err)
	}
	h.names.set("moving.test", "127.0.0.2")
	h.Close()
	if dialled, err := h.get(t, protocol.Production, url); err == nil || len(dialled) > 0 {
		t.Fatalf("dialled %v, error %v, want a refusal", dialled, err)
	}
}

func FuzzCheckURLAcceptsOnlyWhatMayBeDialled(f *testing.F) {
	for _, vector := range append(refusedURLs(), "https://example.com/hook", "http://8.8.8.8:80/", "http://[2606:4700::1111]/") {
		f.Add(vector)
	}
	h := newHarness(f, egress.Config{}, true)
	f.Fuzz(func(t *testing.T, url string) {
		if h.CheckURL(url, protocol.Production) != nil {
			return
		}
		dialled, err := h.get(t, protocol.Production, url)
		if err == nil {
			t.Fatalf("%q was answered without a connection", url)
		}
		// A literal that was accepted is public, so nothing is left to refuse.
		if refused, ok := errors.AsType[*egress.RefusedError](err); ok {
			t.Fatalf("%q was accepted and then refused: %v", url, refused)
		}
		for _, address := range dialled {
			if !address.IsGlobalUnicast() || address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() {
				t.Fatalf("%q reached %s", url, address)
			}
		}
	})
}
