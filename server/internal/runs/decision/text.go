package decision

import (
	"bytes"
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// ErrorJSON returns an error as it is stored.
func ErrorJSON(e *protocol.Error) []byte { return encode(e) }

// encode encodes what always can be, without escaping HTML, which would change users'
// values.
func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // strings always encode
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}

func displayName(t model.Task) string {
	if t.DisplayKey != "" {
		return t.DisplayKey
	}
	return t.Name
}
