package fetch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/fetch"
)

// moving returns a handler that redirects from / and says 1 elsewhere.
func moving(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			answering(200, `1`)(w, r)
			return
		}
		answering(status, ``, "Location", location)(w, r)
	}
}

func TestRedirectsAreFollowedAsFetchDoes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, body string
		status             int
		wantMethod         string
		keepsBody          bool
	}{
		{"301 keeps GET", "GET", "", 301, "GET", false},
		{"301 turns POST into GET", "POST", "x", 301, "GET", false},
		{"301 keeps PUT", "PUT", "x", 301, "PUT", true},
		{"302 turns POST into GET", "POST", "x", 302, "GET", false},
		{"303 turns PUT into GET", "PUT", "x", 303, "GET", false},
		{"303 keeps HEAD", "HEAD", "", 303, "HEAD", false},
		{"307 keeps POST", "POST", "x", 307, "POST", true},
		{"308 keeps DELETE", "DELETE", "x", 308, "DELETE", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, moving(test.status, "/there?a=b"))
			init := members{"method": test.method, "body": test.body, "headers": members{"Authorization": "mine", "X-A": "1"}}
			outcome := attempt(t, fetch.OperationFetch, s.URL+"/", members{"requestInit": init})
			if outcome.Kind != fetch.Finished {
				t.Fatalf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
			last := s.asked()[1]
			if last.method != test.wantMethod || last.path != "/there?a=b" || (last.body == "x") != test.keepsBody {
				t.Errorf("went on with %s %s and %q", last.method, last.path, last.body)
			}
			if hasType := last.header.Get("Content-Type") != ""; hasType != test.keepsBody {
				t.Errorf("went on with the headers %v", last.header)
			}
			if last.header.Get("Authorization") != "mine" || last.header.Get("X-A") != "1" {
				t.Errorf("went on within the origin with the headers %v", last.header)
			}
		})
	}
}

func TestCredentialsAreNotSentToAnotherOrigin(t *testing.T) {
	t.Parallel()
	end := newSite(t, answering(200, `1`))
	middle := newSite(t, moving(307, end.URL+"/end"))
	start := newSite(t, moving(307, middle.URL+"/"))
	secret := members{"__redactedString": true, "strings": []string{"", ""}, "interpolations": []string{"s3cret"}}
	init := members{"method": "POST", "body": "x", "headers": members{
		"authorization": "mine", "cookie": "mine", "x-key": secret, "x-a": "1", "host": "shop.test",
	}}
	expect(t, attempt(t, fetch.OperationFetch, start.URL+"/", members{"requestInit": init}), fetch.Finished, `1`, 0)
	if first := start.asked()[0]; first.header.Get("X-Key") != "s3cret" || first.header.Get("Cookie") != "mine" {
		t.Errorf("began with the headers %v", first.header)
	}
	for _, later := range []*site{middle, end} {
		request := later.asked()[0]
		for _, name := range []string{"Authorization", "Cookie", "X-Key"} {
			if request.header.Get(name) != "" {
				t.Errorf("%s went to another origin", name)
			}
		}
		if request.header.Get("X-A") != "1" || request.body != "x" || request.host != strings.TrimPrefix(later.URL, "http://") {
			t.Errorf("went on with %+v", request)
		}
	}
}

func TestRedirectsThatLeadNowhereFail(t *testing.T) {
	t.Parallel()
	round := func(w http.ResponseWriter, r *http.Request) { answering(302, ``, "Location", "/")(w, r) }
	tests := []struct {
		name    string
		handler http.HandlerFunc
		message string
	}{
		{"in a circle", round, "Fetch failed: there are more than 10 redirects"},
		{"to another scheme", moving(302, "ftp://x.test"), `Fetch failed: it redirects to where the server cannot go: the URL has the scheme "ftp": only http and https can be called`},
		{"to a password", moving(302, "http://u:s3cret@x.test"), "Fetch failed: it redirects to where the server cannot go: the URL holds a user name or password: those cannot be part of it"},
		{"to an address of metadata", moving(302, "http://169.254.169.254/"), "Fetch failed: refused to connect to 169.254.169.254"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, test.handler)
			outcome := attempt(t, fetch.OperationFetch, s.URL+"/", nil)
			if outcome.Kind != fetch.Failed || !strings.HasPrefix(outcome.AttemptError, test.message) {
				t.Errorf("%s: %s", outcome.Kind, outcome.AttemptError)
			}
			if asked := len(s.asked()); asked > 11 {
				t.Errorf("the site was asked %d times", asked)
			}
		})
	}
}
