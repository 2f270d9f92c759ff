package runhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
)

// respondToRequest answers a request to an HTTP endpoint that the server passes on.
func (a *App) respondToRequest(w http.ResponseWriter, r *http.Request, started time.Time) {
	request, _, err := a.passedOn(w, r)
	if err != nil {
		refuseUnreadable(w, err)
		return
	}
	endpoint := a.endpoint(r.Header.Get(protocol.HeaderSourceKey))
	if endpoint == nil || endpoint.set.respond.Handler == nil {
		a.respond(w, started, map[string]any{"status": http.StatusOK, "body": okAnswer})
		return
	}
	recorder := &responseRecorder{header: http.Header{}}
	endpoint.set.respond.Handler.ServeHTTP(recorder, request)
	response, err := recorder.response()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "The HTTP endpoint "+endpoint.id+" cannot answer: "+err.Error())
		return
	}
	a.respond(w, started, response)
}

// refuseUnreadable refuses a request of the server because what it passes on cannot
// be read.
func refuseUnreadable(w http.ResponseWriter, err error) {
	if !refuseTooLarge(w, err) {
		refuse(w, http.StatusBadRequest, "Invalid headers")
	}
}

// passedOn returns the request that the server passes on, and its body.
func (a *App) passedOn(w http.ResponseWriter, r *http.Request) (*http.Request, []byte, error) {
	var headers map[string]string
	if err := json.Unmarshal([]byte(r.Header.Get(protocol.HeaderHTTPHeaders)), &headers); err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.maxBodyBytes))
	if err != nil {
		return nil, nil, err
	}
	method, url := r.Header.Get(protocol.HeaderHTTPMethod), r.Header.Get(protocol.HeaderHTTPURL)
	request, err := http.NewRequestWithContext(r.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.RequestURI = request.URL.RequestURI()
	request.Host = request.URL.Host
	return request, body, nil
}

// responseRecorder keeps what a handler answers.
type responseRecorder struct {
	header http.Header
	sent   http.Header // nil until the header is written
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *responseRecorder) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Informational answers are left out.
func (w *responseRecorder) WriteHeader(status int) {
	if w.sent == nil && status >= http.StatusOK {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements [http.ResponseWriter].
func (w *responseRecorder) Write(data []byte) (int, error) {
	if w.sent == nil {
		if w.header.Get("Content-Type") == "" {
			w.header.Set("Content-Type", http.DetectContentType(data))
		}
		w.WriteHeader(http.StatusOK)
	}
	return w.body.Write(data)
}

func (w *responseRecorder) response() (protocol.HTTPResponse, error) {
	w.WriteHeader(http.StatusOK)
	if !utf8.Valid(w.body.Bytes()) {
		return protocol.HTTPResponse{}, errors.New("its answer is no text in UTF-8")
	}
	response := protocol.HTTPResponse{Status: w.status, Body: w.body.String(), Headers: map[string]string{}}
	for name, values := range w.sent {
		response.Headers[strings.ToLower(name)] = protocol.HeaderValue(name, values)
	}
	return response, nil
}
