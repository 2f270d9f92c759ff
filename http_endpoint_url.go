package runhook

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/runhook/runhook/internal/transport"
)

// URL returns where others call the endpoint. The server knows once the app is
// registered; before that the error is an [*APIError] with status 404.
func (e *HTTPEndpoint) URL(ctx context.Context) (string, error) {
	type listed struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	}
	endpoints := transport.Pages("", func(cursor string) ([]listed, string, error) {
		var page struct {
			HTTPEndpoints []listed `json:"httpEndpoints"`
			NextCursor    string   `json:"nextCursor"`
		}
		err := e.app.transport.Call(ctx, "GET", transport.WithQuery("/api/runhook/v1/http-endpoints", url.Values{"cursor": {cursor}}), nil, &page)
		return page.HTTPEndpoints, page.NextCursor, err
	})
	for endpoint, err := range endpoints {
		if err != nil {
			return "", fmt.Errorf("ask for the URL of HTTP endpoint %q: %w", e.id, err)
		}
		if endpoint.ID == e.id {
			return endpoint.URL, nil
		}
	}
	return "", fmt.Errorf("ask for the URL of HTTP endpoint %q: %w", e.id, &APIError{
		StatusCode: http.StatusNotFound, Message: "the environment has no such HTTP endpoint: register the app first",
	})
}
