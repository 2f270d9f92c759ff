package endpoint_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
)

// moved redirects /api/trigger to /new and answers there.
func moved(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/new" {
			answering(200, body)(w, r)
			return
		}
		answering(status, "", "Location", "/new")(w, r)
	}
}

func TestExecuteFollowsOnlyRedirectsThatKeepThePOST(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			a := newApp(t, moved(status, `{"status":"SUCCESS"}`))
			outcome := execute(t, a)
			asked := a.asked()
			if status < 307 {
				want := fmt.Sprintf("Endpoint responded with %d status code: it redirects to %s/new, which would turn the POST into a GET; register the final URL", status, a.URL)
				if outcome.Kind != endpoint.Transient || outcome.Error.Message != want || len(asked) != 1 {
					t.Errorf("%s after %d requests: %v", outcome.Kind, len(asked), outcome.Error)
				}
				return
			}
			if outcome.Kind != endpoint.Answered || len(asked) != 2 {
				t.Fatalf("%s after %d requests: %v", outcome.Kind, len(asked), outcome.Error)
			}
			if last := asked[1]; last.method != http.MethodPost || last.body != asked[0].body || last.header.Get("X-Trigger-Api-Key") != "tr_dev_key" {
				t.Errorf("second request was %+v", last)
			}
		})
	}
}

func TestARedirectToARefusedAddressIsRefused(t *testing.T) {
	a := newApp(t, answering(307, "", "Location", "http://169.254.169.254/latest/meta-data/"))
	outcome := execute(t, a)
	if outcome.Kind != endpoint.Transient || !strings.HasPrefix(outcome.Error.Message, "refused to connect to 169.254.169.254") {
		t.Errorf("%s: %v", outcome.Kind, outcome.Error)
	}
}

func TestRedirectsThatLeadNowhereAreExplained(t *testing.T) {
	tests := []struct {
		name, location, problem string
	}{
		{"without a location", "", "gives no location"},
		{"to what is not a URL", "http://[::1", "missing ']' in host"},
		{"to another scheme", "file:///etc/passwd", `scheme "file"`},
		{"round in circles", "/api/trigger", "redirects more than 6 times"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, answering(308, "", "Location", test.location))
			outcome := execute(t, a)
			if outcome.Kind != endpoint.Transient || !strings.Contains(outcome.Error.Message, test.problem) {
				t.Errorf("%s: %v, want %q", outcome.Kind, outcome.Error, test.problem)
			}
			_, err := client(t).Index(context.Background(), a.target())
			if failure := asError(t, err); !strings.Contains(failure.Error(), test.problem) {
				t.Errorf("index: %v, want %q", failure, test.problem)
			}
			if requests := len(a.asked()); requests > 14 {
				t.Errorf("%d requests", requests)
			}
		})
	}
}

func TestTheKeyIsNotSentOverARedirectFromHTTPSToHTTP(t *testing.T) {
	var urls []string
	c := endpoint.New(endpoint.Config{Outgoing: fake(func(r *http.Request) (*http.Response, error) {
		urls = append(urls, r.URL.String())
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://app.test/"}}, Body: io.NopCloser(strings.NewReader(""))}, nil
	})})
	target := endpoint.Target{URL: "https://app.test/", EnvironmentType: protocol.Production}
	outcome := c.Execute(context.Background(), target, nil)
	if outcome.Kind != endpoint.Transient || !strings.Contains(outcome.Error.Message, "unencrypted") || len(urls) != 1 {
		t.Errorf("%s after %v: %v", outcome.Kind, urls, outcome.Error)
	}
}

func TestIndexFollowsEveryRedirectAndReportsTheNewURL(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			a := newApp(t, moved(status, `{"jobs":[]}`))
			result, err := client(t).Index(context.Background(), a.target())
			if err != nil || result.NewURL != a.URL+"/new" {
				t.Fatalf("new URL %q, error %v", result.NewURL, err)
			}
			if last := a.asked()[1]; last.method != http.MethodPost || last.header.Get("X-Trigger-Action") != "INDEX_ENDPOINT" {
				t.Errorf("second request was %+v", last)
			}
		})
	}
}
