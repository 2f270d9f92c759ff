package egress_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

func TestURLsAreNormalisedAsBrowsersDo(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://h/hook?q=hello world":             "http://h/hook?q=hello%20world",
		"http://h/a b":                            "http://h/a%20b",
		`http://h/"a"<b>^{c}|` + "`d`":            "http://h/%22a%22%3Cb%3E%5E%7Bc%7D%7C%60d%60",
		`http://h/?q="a"'b'<c>` + "`{}|^`":        "http://h/?q=%22a%22%27b%27%3Cc%3E`{}|^`",
		"http://h/höhe/☃?ü=日本":                    "http://h/h%C3%B6he/%E2%98%83?%C3%BC=%E6%97%A5%E6%9C%AC",
		"http://h/?q=\x01\x7f":                    "http://h/?q=%01%7F",
		"http://h/?q=\xff":                        "http://h/?q=%FF",
		"http://h/a%20b%C3%B6?q=%20%c3%b6":        "http://h/a%20b%C3%B6?q=%20%c3%b6",
		"http://h/50%?q=50%":                      "http://h/50%25?q=50%",
		"http://h/%zz/%4/%":                       "http://h/%25zz/%254/%25",
		"http://h/a%2Fb":                          "http://h/a%2Fb",
		" \t\r\n http://h/done \x00\r\n":          "http://h/done",
		"http://h/do\r\nne\t?a\n=b":               "http://h/done?a=b",
		"http://exa\r\nmple.com/":                 "http://example.com/",
		"http://example.com/\r\nX-Injected: 1":    "http://example.com/X-Injected:%201",
		"ht\ntp://h/":                             "http://h/",
		"HTTP://EXAMPLE.com/Path?Query":           "http://example.com/Path?Query",
		"http://h":                                "http://h/",
		"http://h?q=1":                            "http://h/?q=1",
		"http://h?":                               "http://h/?",
		"http://h#part":                           "http://h/",
		"http://h/a?b#c?d#e":                      "http://h/a?b",
		"http://h:80/":                            "http://h/",
		"https://h:443/":                          "https://h/",
		"https://h:80/":                           "https://h:80/",
		"http://h:/":                              "http://h/",
		"http://h:008080/":                        "http://h:8080/",
		"http://h/a/./b/../c":                     "http://h/a/c",
		"http://h/a/%2e%2E/../../b/..":            "http://h/",
		"http://h//a///b/":                        "http://h//a///b/",
		`http:\\h\a\b?c\d`:                        `http://h/a/b?c\d`,
		`http://example.com\@127.0.0.1/`:          "http://example.com/@127.0.0.1/",
		"http://h/a:b@c":                          "http://h/a:b@c",
		"http://bücher.example/ü":                 "http://xn--bcher-kva.example/%C3%BC",
		"http://BÜCHER.example":                   "http://xn--bcher-kva.example/",
		"http://日本語。jp/":                          "http://xn--wgv71a119e.jp/",
		"http://ex%61mple.com/":                   "http://example.com/",
		"http://b%C3%BCcher.example/":             "http://xn--bcher-kva.example/",
		"http://a_b.example/":                     "http://a_b.example/",
		"http://[2606:4700:0:0::1111]:8080/a b":   "http://[2606:4700::1111]:8080/a%20b",
		"http://127.0.0.1\tfoo/":                  "http://127.0.0.1foo/",
		"http://h/!$&'()*+,;=:@[]~-._?!$&()*+,;=": "http://h/!$&'()*+,;=:@[]~-._?!$&()*+,;=",
	} {
		parsed, err := egress.ParseURL(given)
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if got := parsed.String(); got != want {
			t.Errorf("%q is sent as %q, want %q", given, got, want)
		}
		if again, err := egress.ParseURL(want); err != nil || again.String() != want {
			t.Errorf("%q is not its own normal form: %v, %v", want, again, err)
		}
	}
}

func TestURLsThatCannotBeSentAreRefusedByTheirPart(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                        "is empty",
		" \t ":                    "not absolute",
		"h/path":                  "not absolute",
		"//h/":                    "not absolute",
		"mailto:a@example.com":    `the scheme "mailto"`,
		"http:h/":                 "no host",
		"http:/h/":                "no host",
		"http:///h/":              "no host",
		"http://:80/":             "no host",
		"http://h:port/":          `the port "port"`,
		"http://h:-1/":            `the port "-1"`,
		"http://h:65536/":         `the port "65536"`,
		"http://a b/":             `the character ' '`,
		"http://a\x00b/":          `the character '\x00'`,
		"http://a<b/":             `the character '<'`,
		"http://a%20b/":           `the character ' '`,
		"http://a%2Fb/":           `the character '/'`,
		"http://a%/":              "begins no escape",
		"http://a:b:1/":           `the character ':'`,
		"http://[::1/":            "not an IPv6 address",
		"http://[h]/":             "not an IPv6 address",
		"http://[127.0.0.1]/":     "not an IPv6 address",
		"http://[fe80::1%25a b]/": "not an IPv6 address",
		"http://\u202eh/":         "not a valid international name",
		"http://u:secret@h/":      "user name or password",
		"http://@h/":              "user name or password",
	} {
		parsed, err := egress.ParseURL(given)
		problem, ok := errors.AsType[*egress.URLError](err)
		if !ok || !strings.Contains(problem.Error(), want) || strings.Contains(problem.Error(), "secret") {
			t.Errorf("%q gives %v, %v; want a URLError with %q", given, parsed, err, want)
		}
	}
}

func TestReferencesAreResolvedAgainstWhereTheyStood(t *testing.T) {
	t.Parallel()
	base, err := egress.ParseURL("https://h:8443/dir/page?old=1")
	if err != nil {
		t.Fatal(err)
	}
	for reference, want := range map[string]string{
		"http://other/a b":   "http://other/a%20b",
		"HTTPS://OTHER/":     "https://other/",
		"//other/ü":          "https://other/%C3%BC",
		`\\other\a`:          "https://other/a",
		"/root?q=a b":        "https://h:8443/root?q=a%20b",
		"next":               "https://h:8443/dir/next",
		"../up":              "https://h:8443/up",
		"a:b/c":              "",
		"./a:b":              "https://h:8443/dir/a:b",
		"?new=\"1\"":         "https://h:8443/dir/page?new=%221%22",
		"#part":              "https://h:8443/dir/page?old=1",
		"":                   "https://h:8443/dir/page?old=1",
		" /b\xc3\xbcro\r\n":  "https://h:8443/b%C3%BCro",
		"/b\xfcro":           "https://h:8443/b%FCro",
		"ftp://other/":       "",
		"http://u@other/":    "",
		"/50%":               "https://h:8443/50%25",
		"//127.0.0.1:99999/": "",
	} {
		got, err := egress.ResolveURL(base, reference)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q leads to %v, %v; want %q", reference, got, err, want)
		}
	}
}

func TestPublicHostsAreCalledOnUsualPortsAndThoseThatAreListed(t *testing.T) {
	t.Parallel()
	const permitted = ""
	for _, c := range []struct {
		name         string
		ports, allow string
		environment  protocol.EnvironmentType
		url          string
		refused      string
	}{
		{"http", "", "", protocol.Production, "http://8.8.8.8/", permitted},
		{"https", "", "", protocol.Production, "https://8.8.8.8/", permitted},
		{"http on the port of https", "", "", protocol.Production, "http://8.8.8.8:443/", permitted},
		{"the first port for everyone", "", "", protocol.Production, "http://8.8.8.8:1024/", permitted},
		{"the last port", "", "", protocol.Production, "http://8.8.8.8:65535/", permitted},
		{"SMTP", "", "", protocol.Production, "http://8.8.8.8:25/", "port 25 of 8.8.8.8 on behalf of a PRODUCTION environment: public hosts are called on ports 80, 443 and from 1024 up; to permit it, add 25 to RUNHOOK_EGRESS_PORTS"},
		{"the last port below", "", "", protocol.Production, "http://8.8.8.8:1023/", "add 1023 to"},
		{"in DEVELOPMENT, too", "", "", protocol.Development, "http://8.8.8.8:22/", "add 22 to"},
		{"of IPv6", "", "", protocol.Production, "http://[2606:4700::1111]:25/", "add 25 to"},
		{"behind NAT64", "", "", protocol.Production, "http://[64:ff9b::808:808]:25/", "add 25 to"},
		{"a listed port", "25,587", "", protocol.Production, "http://8.8.8.8:587/", permitted},
		{"a port in a listed range", "81-90", "", protocol.Production, "http://8.8.8.8:88/", permitted},
		{"a port beside the list", "81-90", "", protocol.Production, "http://8.8.8.8:91/", "add 91 to"},
		{"a listed range of addresses opens no port", "", "8.8.8.0/24", protocol.Production, "http://8.8.8.8:25/", "add 25 to"},
		{"any port of this machine in DEVELOPMENT", "", "", protocol.Development, "http://127.0.0.1:25/", permitted},
		{"any port of localhost in DEVELOPMENT", "", "", protocol.Development, "http://localhost:25/", permitted},
		{"any port of a private address that is listed", "", "10.0.0.0/8", protocol.Production, "http://10.1.2.3:25/", permitted},
		{"a listed port opens no address", "25", "", protocol.Production, "http://10.1.2.3:25/", "RUNHOOK_EGRESS_ALLOW"},
		{"a name", "", "", protocol.Production, "http://public.test:25/", "port 25 of public.test on behalf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ports, err := egress.ParsePorts(c.ports)
			if err != nil {
				t.Fatal(err)
			}
			h := newHarness(t, egress.Config{Allow: prefixes(t, c.allow), Ports: ports}, true)
			h.names.set("public.test", "8.8.8.8")
			h.names.set("localhost", "127.0.0.1")
			checked := h.CheckURL(c.url, c.environment)
			dialled, err := h.get(t, c.environment, c.url)
			if strings.Contains(c.url, "[") && !hasIPv6() {
				err = checked
			}
			if c.refused == permitted {
				if checked != nil || len(dialled) == 0 {
					t.Errorf("CheckURL: %v; dialled %v with error %v", checked, dialled, err)
				}
				return
			}
			for _, err := range []error{checked, err} {
				refused, ok := errors.AsType[*egress.RefusedError](err)
				if !ok || !strings.Contains(refused.Error(), c.refused) || len(dialled) > 0 {
					t.Errorf("dialled %v, error %v, want a refusal with %q", dialled, err, c.refused)
				}
			}
		})
	}
}

func TestANameIsRefusedOnAnOddPortOnceItTurnsOutToBePublic(t *testing.T) {
	t.Parallel()
	h := newHarness(t, egress.Config{}, true)
	h.names.set("public.test", "8.8.8.8")
	h.names.set("private.test", "10.0.0.1")
	for _, name := range []string{"public.test", "private.test"} {
		if err := h.CheckURL("http://"+name+":25/", protocol.Development); err != nil {
			t.Errorf("names are not resolved, but got %v", err)
		}
		dialled, err := h.get(t, protocol.Development, "http://"+name+":25/")
		_, refused := errors.AsType[*egress.RefusedError](err)
		if refused != (name == "public.test") || refused == (len(dialled) > 0) {
			t.Errorf("%s: dialled %v, error %v", name, dialled, err)
		}
	}
}

func TestParsePorts(t *testing.T) {
	t.Parallel()
	if ports, err := egress.ParsePorts(" 25, ,81 - 90,"); err != nil || len(ports) != 2 || ports[1] != (egress.PortRange{First: 81, Last: 90}) {
		t.Errorf("got %v, %v", ports, err)
	}
	for _, list := range []string{"0", "65536", "smtp", "25;26", "90-80", "-5", "5-", "1-2-3", "+25"} {
		if ports, err := egress.ParsePorts("25," + list); err == nil || !strings.Contains(err.Error(), list) {
			t.Errorf("%q gives %v, %v", list, ports, err)
		}
	}
}

func FuzzANormalisedURLIsItsOwnNormalForm(f *testing.F) {
	for _, url := range append(refusedURLs(), "http://bücher.example:80/ä b/../%zz?q='\"#x", `http:\\h\a`) {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, given string) {
		parsed, err := egress.ParseURL(given)
		if err != nil {
			return
		}
		sent := parsed.String()
		for _, char := range []byte(sent) {
			if char <= ' ' || char > '~' {
				t.Fatalf("%q is sent as %q", given, sent)
			}
		}
		if len(sent) > egress.MaxURLBytes {
			return
		}
		again, err := egress.ParseURL(sent)
		if err != nil || again.String() != sent {
			t.Fatalf("%q is sent as %q, and that as %v, %v", given, sent, again, err)
		}
	})
}

func TestTheLocationOfARedirectIsKeptByItsBytes(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Config{})
	defer guard.Close()
	for location, want := range map[string]string{"/gr\xfcn": "/gr%FCn", "/50%": "/50%25", "/plain%20": "/plain%20"} {
		url := speaking(t, "HTTP/1.1 302 Found\r\nLocation: "+location+"\r\nContent-Length: 0\r\n\r\n")
		response, err := guard.Client(protocol.Development).Get(url)
		body(t, response, err)
		if got := response.Header.Get("Location"); !strings.HasSuffix(got, want) {
			t.Errorf("%q is read as %q, want %q", location, got, want)
		}
	}
}
