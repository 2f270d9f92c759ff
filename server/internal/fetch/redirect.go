package fetch

import (
	"net/http"
	"slices"
	"strings"

	"github.com/runhook/runhook/internal/origin"
	"github.com/runhook/runhook/server/internal/egress"
)

// credentials are the headers that are for the origin they were given for, and
// for no other. So are redacted ones.
var credentials = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// redirected returns the request to continue with, or false if the answer is no
// redirect that can be followed.
func (r request) redirected(answer *answer) (request, bool, error) {
	location := answer.header.Get("Location")
	if !isRedirect(answer.status) || location == "" {
		return request{}, false, nil
	}
	from, err := egress.ParseURL(r.url)
	if err != nil {
		return request{}, false, &finalError{"it redirects, but " + err.Error()}
	}
	to, err := egress.ResolveURL(from, location)
	if err != nil {
		return request{}, false, &finalError{"it redirects to where the server cannot go: " + err.Error()}
	}
	next := r
	next.url = to.String()
	next.header = r.header.Clone()
	if becomesGET(answer.status, r.method) {
		next.method, next.body = http.MethodGet, ""
		for name := range next.header {
			if strings.HasPrefix(name, "Content-") {
				next.header.Del(name)
			}
		}
	}
	if !origin.Same(from, to) {
		next.host = ""
		for _, name := range slices.Concat(credentials, r.redacted) {
			next.header.Del(name)
		}
	}
	return next, true, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// becomesGET reports whether a redirect changes the method, which drops the body.
func becomesGET(status int, method string) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	case http.StatusSeeOther:
		return method != http.MethodGet && method != http.MethodHead
	}
	return false
}
