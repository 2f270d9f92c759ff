package intake

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// ReadAnswer reads the body of an answer as [Room.Read] reads that of a request, and
// returns the error of reading it as it is. from is the body without its encoding.
func (r *Room) ReadAnswer(ctx context.Context, environment string, response *http.Response, from io.Reader, most int64) (*Body, error) {
	source := &source{from: from}
	body, err := r.Read(ctx, environment, source, lengthOf(response), most)
	if err != nil && source.err != nil {
		return nil, source.err
	}
	return body, err
}

// lengthOf returns how long the body of an answer is without its encoding; -1 if that is
// unknown.
func lengthOf(response *http.Response) int64 {
	bodiless := response.StatusCode == http.StatusNotModified || response.Request != nil && response.Request.Method == http.MethodHead
	if bodiless || response.ContentLength <= 0 || response.Header.Get("Content-Encoding") != "" {
		return -1
	}
	return response.ContentLength
}

// source remembers why it could not be read to its end.
type source struct {
	from io.Reader
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
