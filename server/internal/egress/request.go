package egress

import (
	"context"
	"io"
	"net/http"
)

// NewRequest returns a request to a URL that is normalised by [ParseURL], whose error
// it returns; rawURL may be one that was accepted before URLs were normalised.
func NewRequest(ctx context.Context, method, rawURL string, body io.Reader) (*http.Request, error) {
	location, err := ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, method, location.String(), body)
}
