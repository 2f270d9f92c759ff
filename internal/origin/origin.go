// Package origin says whether two URLs are of one origin (scheme, host and port),
// and keeps HTTP clients that send a credential from following redirects to
// another origin. It is the one place for that rule: the SDK, the server's calls
// to apps and what tasks fetch all use it.
package origin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Of returns the origin of an absolute http or https URL, such as
// https://example.com:8443. The port is left out where it is the scheme's own.
func Of(location *url.URL) string {
	host := strings.ToLower(location.Hostname())
	port := location.Port()
	switch {
	case port != "" && port != defaultPort(location.Scheme):
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return strings.ToLower(location.Scheme) + "://" + host
}

// Same reports whether two absolute URLs have the same scheme, host and port.
func Same(a, b *url.URL) bool { return Of(a) == Of(b) }

func defaultPort(scheme string) string {
	switch strings.ToLower(scheme) {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// RedirectError says that a redirect was not followed because it leads to
// another origin, which must not get the credential.
type RedirectError struct {
	// From and To are origins: no path or query, as those can hold secrets.
	From, To string
}

// Error names both origins.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to another origin, %s, which must not get the API key", e.From, e.To)
}

// Check returns a [*RedirectError] if the two URLs are not of one origin.
func Check(from, to *url.URL) error {
	if Same(from, to) {
		return nil
	}
	return &RedirectError{From: Of(from), To: Of(to)}
}

// Guarded returns a copy of client that follows no redirect to another origin than
// that of the first request: Do then fails with a [*RedirectError]. Within the
// origin the client's own CheckRedirect decides; without one, up to ten redirects
// are followed.
func Guarded(client *http.Client) *http.Client {
	guarded, own := *client, client.CheckRedirect
	guarded.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		// A client that follows no redirects gets to see the answer.
		if own != nil {
			if err := own(next, via); err != nil {
				return err
			}
		}
		if err := Check(via[0].URL, next.URL); err != nil {
			return err
		}
		const most = 10
		if own == nil && len(via) >= most {
			return fmt.Errorf("stopped after %d redirects", most)
		}
		return nil
	}
	return &guarded
}

// Refused returns the [*RedirectError] that a request failed with, if it did.
func Refused(err error) (*RedirectError, bool) {
	var refused *RedirectError
	return refused, errors.As(err, &refused)
}
