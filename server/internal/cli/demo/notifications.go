package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// notification is a completion webhook that was verified.
type notification struct {
	protocol.RunNotification[fileToRead, report]
	// body is what was sent, byte for byte.
	body []byte
}

type bodyKey struct{}

// newReceiver returns the handler that completion webhooks are sent to. It hands
// on only those that bear a signature made with the API key.
func newReceiver(apiKey string, l *ledger, log *slog.Logger) (http.Handler, error) {
	verified, err := receiver.New(
		receiver.Config{APIKey: apiKey, Seen: receiver.NewMemory(len(l.files)), Logger: log},
		func(ctx context.Context, n protocol.RunNotification[fileToRead, report]) error {
			number := n.Invocation.Payload.Number
			if number < 0 || number >= len(l.files) {
				return fmt.Errorf("the demo has no file number %d", number)
			}
			body, _ := ctx.Value(bodyKey{}).(*bytes.Buffer)
			l.delivered(l.files[number], notification{n, bytes.Clone(body.Bytes())})
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(bytes.Buffer)
		r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, body), r.Body}
		verified.ServeHTTP(w, r)
	}), nil
}

// writeJSON writes the notifications as one JSON array, each as it was sent but
// for the white space.
func writeJSON(w io.Writer, files []*file) error {
	bodies := []json.RawMessage{}
	for _, f := range files {
		for _, n := range f.notifications {
			bodies = append(bodies, n.body)
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(bodies); err != nil {
		return err
	}
	_, err := text.WriteTo(w)
	return err
}
