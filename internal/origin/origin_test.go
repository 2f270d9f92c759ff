package origin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/runhook/runhook/internal/origin"
)

func TestAnOriginIsSchemeHostAndPort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://a.test/x?y=1", "https://a.test/z", true},
		{"https://a.test", "https://A.TEST:443/", true},
		{"http://a.test:80", "HTTP://a.test", true},
		{"https://[::1]:443/", "https://[::1]/", true},
		{"https://a.test", "http://a.test", false},
		{"http://a.test", "http://a.test:443", false},
		{"https://a.test", "https://a.test:8443", false},
		{"https://a.test", "https://b.a.test", false},
		{"https://a.test", "https://a.test.", false},
		{"http://127.0.0.1:1", "http://localhost:1", false},
		{"https://a.test", "//a.test", false},
	} {
		a, errA := url.Parse(c.a)
		b, errB := url.Parse(c.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if origin.Same(a, b) != c.same || origin.Same(b, a) != c.same {
			t.Errorf("%s (%s) and %s (%s): same is %v", c.a, origin.Of(a), c.b, origin.Of(b), !c.same)
		}
	}
}

func TestAGuardedClientStaysAtItsOrigin(t *testing.T) {
	t.Parallel()
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer other.Close()
	var target string
	start := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, target, http.StatusTemporaryRedirect)
		}
	}))
	defer start.Close()
	client := origin.Guarded(start.Client())

	target = "/within"
	response, err := client.Get(start.URL + "/")
	if err != nil {
		t.Fatalf("within the origin: %v", err)
	}
	response.Body.Close()

	target = other.URL + "/secret?token=s3cret"
	_, err = client.Get(start.URL + "/")
	refused, ok := origin.Refused(err)
	if !ok || refused.From != start.URL || refused.To != other.URL || reached > 0 {
		t.Errorf("to another origin: %v, reached %d times", err, reached)
	}

	asked := *start.Client()
	asked.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err = origin.Guarded(&asked).Get(start.URL + "/")
	if err != nil || response.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("a client that follows none: %v", err)
	}
	response.Body.Close()
}
