package egress

import (
	"context"
	"net/http"
	"net/url"

	"github.com/runhook/runhook/protocol"
)

// request is what the dialer must know of the request it connects for.
type request struct {
	environmentType protocol.EnvironmentType
	host            string
}

type requestKey struct{}

// onBehalfOf sends requests through a transport that several environment types
// share, and passes to the dialer which of them each is for.
type onBehalfOf struct {
	environmentType protocol.EnvironmentType
	transport       *http.Transport
}

var _ http.RoundTripper = onBehalfOf{}

// RoundTrip implements [http.RoundTripper].
func (o onBehalfOf) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := request{environmentType: o.environmentType, host: r.URL.Hostname()}
	response, err := o.transport.RoundTrip(r.WithContext(context.WithValue(r.Context(), requestKey{}, asked)))
	if err != nil {
		return nil, readableError(err)
	}
	if response.StatusCode >= 300 && response.StatusCode <= 399 {
		makeLocationReadable(r.URL, response.Header)
	}
	return readable(response), nil
}

// makeLocationReadable normalises the Location of a redirect that net/url cannot read, for which an
// http.Client would drop the whole answer, or that is not ASCII: its bytes are those
// of a path of the server that gives it, whatever text they are.
func makeLocationReadable(base *url.URL, header http.Header) {
	location := header.Get("Location")
	if _, err := base.Parse(location); err == nil && isASCII(location) {
		return
	}
	if resolved, err := ResolveURL(base, location); err == nil {
		header.Set("Location", resolved.String())
	}
}

// CloseIdleConnections makes [http.Client.CloseIdleConnections] work.
func (o onBehalfOf) CloseIdleConnections() { o.transport.CloseIdleConnections() }
