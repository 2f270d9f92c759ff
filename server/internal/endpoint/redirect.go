package endpoint

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/runhook/runhook/internal/origin"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// maxRedirects is how many redirects of one call are followed.
const maxRedirects = 6

// redirect returns the URL to continue with, or none and, if the answer is a
// redirect, why it is not followed. The API key and the endpoint stay at the
// origin that was registered.
func redirect(answer *answer, action protocol.Action, followed int) (next, problem string) {
	switch answer.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return "", ""
	}
	location := answer.header.Get("Location")
	if location == "" {
		return "", "it redirects, but gives no location to go to"
	}
	base, err := egress.ParseURL(answer.url)
	if err != nil {
		return "", fmt.Sprintf("it redirects, but %v", err)
	}
	to, err := egress.ResolveURL(base, location)
	if err != nil {
		return "", fmt.Sprintf("it redirects to where the server cannot go: %v", err)
	}
	if err := origin.Check(base, to); err != nil {
		return "", err.Error() + "; if that is where the app is, register its final URL there"
	}
	keepsPOST := answer.status == http.StatusTemporaryRedirect || answer.status == http.StatusPermanentRedirect
	switch {
	case action != protocol.ActionIndexEndpoint && !keepsPOST:
		return "", fmt.Sprintf("it redirects to %s, which would turn the POST into a GET; register the final URL", shown(to))
	case followed >= maxRedirects:
		return "", fmt.Sprintf("it redirects more than %d times; register the final URL", maxRedirects)
	}
	return to.String(), ""
}

// shown returns a URL for a message, without a password and of bounded length.
func shown(location *url.URL) string {
	const limit = 300
	text := location.Redacted()
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return text
}
