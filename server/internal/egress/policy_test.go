package egress_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

func TestThePolicyByEnvironmentAndAllowList(t *testing.T) {
	const permitted = ""
	tests := []struct {
		name        string
		allow       string
		environment protocol.EnvironmentType
		url         string
		refused     string // part of the refusal
	}{
		{"development reaches loopback", "", protocol.Development, "http://127.0.0.1:3000/", permitted},
		{"development reaches IPv6 loopback", "", protocol.Development, "http://[::1]:3000/", permitted},
		{"development reaches mapped loopback", "", protocol.Development, "http://[::ffff:127.0.0.1]/", permitted},
		{"development reaches localhost", "", protocol.Development, "http://localhost:3000/", permitted},
		{"development reaches private addresses", "", protocol.Development, "http://192.168.1.7/", permitted},
		{"development reaches unique local addresses", "", protocol.Development, "http://[fd12::1]/", permitted},
		{"development reaches carrier-shared addresses", "", protocol.Development, "http://100.64.0.1/", permitted},
		{"development does not reach metadata", "", protocol.Development, "http://169.254.169.254/", "link-local or metadata"},
		{"development does not reach AWS metadata within the private range", "", protocol.Development, "http://[fd00:ec2::254]/", "cloud metadata"},
		{"development does not reach Alibaba metadata within the shared range", "", protocol.Development, "http://100.100.100.200/", "cloud metadata"},
		{"development does not reach Azure metadata", "", protocol.Development, "http://168.63.129.16/", "cloud metadata"},
		{"development does not reach link-local IPv6 in a zone", "", protocol.Development, "http://[fe80::1%25eth0]/", "link-local"},
		{"development does not reach the unspecified address", "", protocol.Development, "http://0.0.0.0:3000/", "unspecified"},
		{"development does not reach the unspecified IPv6 address", "", protocol.Development, "http://[::]:3000/", "unspecified"},
		{"development does not reach metadata through NAT64", "", protocol.Development, "http://[64:ff9b::a9fe:a9fe]/", "leads to 169.254.169.254"},
		{"development does not reach multicast", "", protocol.Development, "http://224.0.0.1/", "multicast"},
		{"production reaches public addresses", "", protocol.Production, "http://8.8.8.8/", permitted},
		{"production reaches public IPv6 addresses", "", protocol.Production, "http://[2606:4700::1111]/", permitted},
		{"production reaches public addresses through NAT64", "", protocol.Production, "http://[64:ff9b::808:808]/", permitted},
		{"production does not reach loopback", "", protocol.Production, "http://127.0.0.1/", "only DEVELOPMENT environments may reach"},
		{"staging does not reach private addresses", "", protocol.Staging, "http://10.1.2.3/", "a STAGING environment"},
		{"preview does not reach localhost", "", protocol.Preview, "http://localhost/", "localhost"},
		{"an unknown type does not reach loopback", "", "LABORATORY", "http://127.0.0.1/", "loopback"},
		{"production reaches what is listed", "10.0.0.0/8", protocol.Production, "http://10.1.2.3/", permitted},
		{"production reaches a listed single address", "10.1.2.3", protocol.Production, "http://10.1.2.3/", permitted},
		{"production does not reach what is beside the list", "10.1.2.3", protocol.Production, "http://10.1.2.4/", "add 10.1.2.4/32 to RUNHOOK_EGRESS_ALLOW"},
		{"production reaches listed addresses in mapped spelling", "10.0.0.0/8", protocol.Production, "http://[::ffff:10.1.2.3]/", permitted},
		{"production reaches localhost if loopback is listed", "127.0.0.0/8", protocol.Production, "http://localhost/", permitted},
		{"a listed private range does not open metadata", "10.0.0.0/8,192.168.0.0/16", protocol.Production, "http://169.254.169.254/", "add 169.254.169.254/32"},
		{"a list of everything does not open metadata", "0.0.0.0/0,::/0", protocol.Production, "http://169.254.169.254/", "add 169.254.169.254/32"},
		{"a list of everything does not open Azure metadata", "0.0.0.0/0", protocol.Production, "http://168.63.129.16/", "add 168.63.129.16/32"},
		{"a listed unique local range does not open AWS metadata", "fd00::/8", protocol.Production, "http://[fd00:ec2::254]/", "add fd00:ec2::254/128"},
		{"a list of everything opens private addresses", "0.0.0.0/0", protocol.Production, "http://10.1.2.3/", permitted},
		{"metadata is open when listed", "169.254.169.254/32", protocol.Production, "http://169.254.169.254/", permitted},
		{"link-local is open when its range is listed", "169.254.0.0/16", protocol.Development, "http://169.254.1.1/", permitted},
		{"a zone does not keep an address from being listed", "fe80::/10", protocol.Production, "http://[fe80::1%25eth0]/", permitted},
		{"the unspecified address is open when listed", "0.0.0.0/32", protocol.Development, "http://0.0.0.0/", permitted},
		{"a benchmarking range is open when listed", "198.18.0.0/15", protocol.Production, "http://198.19.249.2/", permitted},
		{"a listed 6to4 range does not open the loopback within", "2002::/16", protocol.Production, "http://[2002:7f00:1::]/", "leads to 127.0.0.1"},
		{"a listed Teredo range does not open the client within", "2001::/32", protocol.Production, "http://[2001:0:0808:0808::80ff:fffe]/", "leads to 127.0.0.1"},
		{"a listed local NAT64 range does not open the metadata within", "64:ff9b:1::/96", protocol.Production, "http://[64:ff9b:1::a9fe:a9fe]/", "leads to 169.254.169.254"},
		{"a listed IPv4-translated range does not open the loopback within", "::ffff:0:0:0/96", protocol.Production, "http://[::ffff:0:127.0.0.1]/", "leads to 127.0.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, egress.Config{Allow: prefixes(t, test.allow)}, true)
			h.names.set("localhost", "127.0.0.1", "::1")
			checked := h.CheckURL(test.url, test.environment)
			dialled, err := h.get(t, test.environment, test.url)
			if strings.Contains(test.url, "[") && !hasIPv6() {
				err, dialled = checked, []netip.Addr{{}}
			}
			if test.refused == permitted {
				if checked != nil || len(dialled) == 0 {
					t.Errorf("CheckURL: %v; dialled %v with error %v", checked, dialled, err)
				}
				return
			}
			for _, err := range []error{checked, err} {
				refused, ok := errors.AsType[*egress.RefusedError](err)
				if !ok || !strings.Contains(refused.Error(), test.refused) {
					t.Errorf("error %v, want a refusal with %q", err, test.refused)
				}
			}
			if len(dialled) > 0 && dialled[0].IsValid() {
				t.Errorf("dialled %v", dialled)
			}
		})
	}
}

func TestLocalhostIsAcceptedIfEitherLoopbackAddressIsOpen(t *testing.T) {
	for _, allow := range []string{"127.0.0.1", "::1"} {
		guard := egress.New(egress.Config{Allow: prefixes(t, allow)})
		if err := guard.CheckURL("http://localhost:3000/", protocol.Production); err != nil {
			t.Errorf("with %s listed: %v", allow, err)
		}
	}
}

func TestARefusalSaysWhatWasTriedWhyAndWhatToDo(t *testing.T) {
	h := newHarness(t, egress.Config{}, true)
	h.names.set("intranet.test", "192.168.1.7")
	_, err := h.get(t, protocol.Production, "http://intranet.test/")
	refused, ok := errors.AsType[*egress.RefusedError](err)
	if !ok {
		t.Fatalf("error %v, want a refusal", err)
	}
	const want = "refused to connect to 192.168.1.7 (intranet.test) on behalf of a PRODUCTION environment: " +
		"it is a private address, which only DEVELOPMENT environments may reach; " +
		"to permit it, add 192.168.1.7/32 to RUNHOOK_EGRESS_ALLOW"
	if refused.Error() != want {
		t.Errorf("got  %s\nwant %s", refused.Error(), want)
	}
}

func TestParseAllow(t *testing.T) {
	tests := []struct {
		name, list, want, problem string
	}{
		{"an empty list allows nothing", "", "", ""},
		{"ranges are separated by commas and spaces", "10.0.0.0/8, fd00::/8", "10.0.0.0/8 fd00::/8", ""},
		{"a single address stands for itself", "10.1.2.3,::1", "10.1.2.3/32 ::1/128", ""},
		{"empty entries are skipped", ",10.0.0.0/8,,", "10.0.0.0/8", ""},
		{"a mapped address is taken as IPv4", "::ffff:10.1.2.3", "10.1.2.3/32", ""},
		{"a name is not an entry", "10.0.0.0/8,db.internal", "", `"db.internal"`},
		{"a length beyond the address is refused", "10.0.0.0/33", "", `"10.0.0.0/33"`},
		{"bits beyond the length are refused", "10.1.2.3/8", "", "want 10.0.0.0/8 for the whole range or 10.1.2.3"},
		{"a mapped range is refused", "::ffff:10.0.0.0/104", "", "write it as IPv4"},
		{"a zone is refused", "fe80::1%eth0", "", "zone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			allow, err := egress.ParseAllow(test.list)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Fatalf("error %v, want one with %q", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, prefix := range allow {
				got = append(got, prefix.String())
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestCheckURLSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, url, problem string
	}{
		{"an ordinary URL is accepted", "https://example.com:8443/hook?a=b", ""},
		{"an international name is accepted", "https://bücher.example/hook", ""},
		{"a name that begins with a number is accepted", "https://1e100.net/", ""},
		{"the longest URL is accepted", "https://example.com/" + strings.Repeat("a", 2028), ""},
		{"a URL that is too long is refused", "https://example.com/" + strings.Repeat("a", 2029), "has 2049 bytes"},
		{"an empty URL is refused", "", "is empty"},
		{"a relative URL is refused", "/hook", "not absolute"},
		{"another scheme is refused", "ftp://example.com/", `the scheme "ftp"`},
		{"a missing host is refused", "https:///hook", "has no host"},
		{"a password is refused and not repeated", "https://me:secret@example.com/", "user name or password"},
		{"port zero is refused", "https://example.com:0/", `the port "0"`},
		{"a port out of range is refused", "https://example.com:70000/", `the port "70000"`},
		{"an unparsable URL is refused", "https://exa mple.com/", `the host "exa mple.com", which has the character ' '`},
		{"an address in short form is refused", "http://127.1/", "four decimal numbers"},
		{"an international name that is not valid is refused", "https://\u202eexample.com/", "not a valid international name"},
	}
	guard := egress.New(egress.Config{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := guard.CheckURL(test.url, protocol.Production)
			if test.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			problem, ok := errors.AsType[*egress.URLError](err)
			if !ok || !strings.Contains(problem.Error(), test.problem) {
				t.Fatalf("error %v, want a URLError with %q", err, test.problem)
			}
			if strings.Contains(problem.Error(), "secret") {
				t.Errorf("%q repeats the password", problem)
			}
		})
	}
}
