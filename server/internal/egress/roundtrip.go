package egress

import (
	"context"
	"net/http"

	"github.com/runhook/runhook/protocol"
)

// request is what the dialer must know of the request it connects for.
type request struct {
	environmentType protocol.EnvironmentType
	host            string
}

type requestKey struct{}

// onBehalfOf sends requests through a transport that several environment types
// share, and tells the dialer which of them each is for.
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
	return readable(response), nil
}

// CloseIdleConnections makes [http.Client.CloseIdleConnections] work.
func (o onBehalfOf) CloseIdleConnections() { o.transport.CloseIdleConnections() }
