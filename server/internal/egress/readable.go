package egress

import (
	"io"
	"net/http"

	"github.com/runhook/runhook/server/internal/model"
)

// readable makes the texts of an answer valid UTF-8: its status line and its
// headers, which may hold any byte but are shown and stored as text. The body stays
// as it came.
func readable(response *http.Response) *http.Response {
	response.Status = model.KeepableText(response.Status)
	for _, values := range response.Header {
		for i, value := range values {
			values[i] = model.KeepableText(value)
		}
	}
	if response.Body != nil && response.Body != http.NoBody {
		response.Body = readableBody{response.Body}
	}
	return response
}

// readableBody is a body whose errors are valid UTF-8: they may quote a line of the
// answer.
type readableBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b readableBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, readableError(err)
}

// readableError returns an error whose text is valid UTF-8.
func readableError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	text := err.Error()
	kept := model.KeepableText(text)
	if kept == text {
		return err
	}
	return &textError{kept, err}
}

// textError is an error in other words.
type textError struct {
	text  string
	cause error
}

// Error returns the text.
func (e *textError) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e *textError) Unwrap() error { return e.cause }
