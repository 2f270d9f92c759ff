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
	"github.com/runhook/runhook/server/internal/model"
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

func TestRedirectsThatLeadNowhereAreExplained(t *testing.T) {
	tests := []struct {
		name, location, problem string
	}{
		{"without a location", "", "gives no location"},
		{"to what is not a URL", "http://[::1", "missing ']' in host"},
		{"to another scheme", "file:///etc/passwd", `the URL has the scheme "file"`},
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

func TestNoActionFollowsARedirectToAnotherOrigin(t *testing.T) {
	other := newApp(t, answering(200, `{"ok":true,"jobs":[]}`))
	actions := map[string]func(c *endpoint.Client, target endpoint.Target) string{
		"EXECUTE_JOB": func(c *endpoint.Client, target endpoint.Target) string {
			outcome := c.Execute(context.Background(), target, nil)
			return fmt.Sprint(outcome.Kind, outcome.Error)
		},
		"INDEX_ENDPOINT": func(c *endpoint.Client, target endpoint.Target) string {
			result, err := c.Index(context.Background(), target)
			return fmt.Sprint(result.NewURL, err)
		},
		"PING": func(c *endpoint.Client, target endpoint.Target) string {
			_, err := c.Ping(context.Background(), target)
			return fmt.Sprint(err)
		},
		"VALIDATE": func(c *endpoint.Client, target endpoint.Target) string {
			_, err := c.Validate(context.Background(), target)
			return fmt.Sprint(err)
		},
		"RUN_NOTIFICATION": func(c *endpoint.Client, target endpoint.Target) string {
			return fmt.Sprint(c.RunNotification(context.Background(), target, nil))
		},
		"DELIVER_HTTP_ENDPOINT_REQUEST_FOR_RESPONSE": func(c *endpoint.Client, target endpoint.Target) string {
			_, err := c.Respond(context.Background(), target, "a", model.IncomingRequest{Method: "GET"})
			return fmt.Sprint(err)
		},
		"DELIVER_WEBHOOK_REQUEST": func(c *endpoint.Client, target endpoint.Target) string {
			_, err := c.DeliverWebhook(context.Background(), target, endpoint.WebhookDelivery{Key: "a"})
			return fmt.Sprint(err)
		},
		"DELIVER_HTTP_SOURCE_REQUEST": func(c *endpoint.Client, target endpoint.Target) string {
			_, err := c.DeliverSource(context.Background(), target, endpoint.SourceDelivery{Key: "a"})
			return fmt.Sprint(err)
		},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		a := newApp(t, answering(status, "", "Location", other.URL+"/there?token=s3cret"))
		for action, call := range actions {
			said := call(client(t), a.target())
			for _, part := range []string{a.URL + " redirects to another origin, " + other.URL + ",", "register its final URL"} {
				if !strings.Contains(said, part) {
					t.Errorf("%s after a %d: %s lacks %q", action, status, said, part)
				}
			}
			if strings.Contains(said, "s3cret") {
				t.Errorf("%s reveals the query of the redirect: %s", action, said)
			}
		}
	}
	if asked := other.asked(); len(asked) > 0 {
		t.Errorf("the other origin was asked: %+v", asked)
	}
}

func TestAnotherSchemeOrPortIsAnotherOrigin(t *testing.T) {
	for from, to := range map[string]string{
		"https://app.test/":     "http://app.test/",
		"http://app.test/":      "https://app.test/",
		"https://app.test/a":    "https://app.test:8443/a",
		"https://app.test/b":    "https://evil.app.test/b",
		"https://app.test/c":    "//evil.test/c",
		"https://app.test:44/d": "https://app.test/d",
	} {
		var urls []string
		c := endpoint.New(endpoint.Config{Outgoing: fake(func(r *http.Request) (*http.Response, error) {
			urls = append(urls, r.URL.String())
			return &http.Response{StatusCode: 307, Header: http.Header{"Location": {to}}, Body: io.NopCloser(strings.NewReader(""))}, nil
		})})
		target := endpoint.Target{URL: from, EnvironmentType: protocol.Production}
		outcome := c.Execute(context.Background(), target, nil)
		if outcome.Kind != endpoint.Transient || !strings.Contains(outcome.Error.Message, "another origin") || len(urls) != 1 {
			t.Errorf("%s after %v: %v", outcome.Kind, urls, outcome.Error)
		}
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
