package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Environment is an environment that the dashboard shows.
type Environment struct {
	ID string
	// Slug is what stands for it in the URLs of pages: prod, stg, dev or prev.
	Slug string
	// Name is its type, such as PRODUCTION, and Off says why it is switched off; empty
	// while it is on.
	Name, Off string
	// APIKey is its secret key. It never leaves the server.
	APIKey string
}

// apiError is an answer of the API that is not a success.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

// own is where the server's own API is.
const own = "/api/runhook/v1"

// ask asks the API on behalf of an environment. body is encoded unless it is nil; the
// answer is decoded into answer. A refusal is an *apiError.
func (d *Dashboard) ask(ctx context.Context, e *Environment, method, path string, query url.Values, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s %s: encode the request: %w", method, path, err)
		}
	}
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.RequestURI, request.RemoteAddr = target, loopback
	request.Header.Set("Authorization", "Bearer "+e.APIKey)
	request.Header.Set("Content-Type", "application/json")
	var got recorder
	d.API.ServeHTTP(&got, request)
	if got.status != http.StatusOK {
		return &apiError{got.status, messageOf(got.body.Bytes(), got.status)}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(got.body.Bytes(), answer); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", method, path, err)
	}
	return nil
}

// loopback is the address that the API sees of the pages.
const loopback = "127.0.0.1:0"

// messageOf returns what an error of the API says.
func messageOf(body []byte, status int) string {
	var said struct{ Error, Message string }
	json.Unmarshal(body, &said)
	switch {
	case said.Message != "":
		return said.Message
	case said.Error != "":
		return said.Error
	}
	return fmt.Sprintf("%d %s", status, http.StatusText(status))
}

// recorder keeps an answer. Answers of lists and details are bounded by the API.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(text []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(text)
}
