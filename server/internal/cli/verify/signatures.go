package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
)

func (c Config) checkWebhook(keys []key) Check {
	check := Check{Name: strings.ToLower(protocol.HeaderWebhookSignature), Outcome: Failed}
	header := c.Header.Get(protocol.HeaderWebhookSignature)
	if header == "" {
		return Check{check.Name, Skipped, "there is none"}
	}
	versions := protocol.SignatureVersions(header)
	if len(versions) == 0 {
		check.Detail = "it holds no signature, which is like v1,base64"
		return check
	}
	made := func(body []byte) string {
		for _, key := range keys {
			if key.webhook(c.Header.Get(protocol.HeaderWebhookID), c.Header.Get(protocol.HeaderWebhookTimestamp), body, header) {
				return key.name
			}
		}
		return ""
	}
	return c.judge(check, join(versions), made)
}

func (c Config) checkBody(keys []key) Check {
	check := Check{Name: strings.ToLower(protocol.HeaderSignature), Outcome: Failed}
	signature := c.Header.Get(protocol.HeaderSignature)
	if signature == "" {
		return Check{check.Name, Skipped, "there is none"}
	}
	if len(c.APIKeys) == 0 {
		return Check{check.Name, Skipped, "it takes the API key to verify it"}
	}
	made := func(body []byte) string {
		for _, key := range keys {
			if key.body != nil && key.body(body, signature) {
				return key.name
			}
		}
		return ""
	}
	return c.judge(check, "HMAC-SHA256 of the body", made)
}

// judge completes the check of a signature. made returns the name of the key that
// made it over a body, or nothing.
func (c Config) judge(check Check, what string, made func(body []byte) string) Check {
	if name := made(c.Body); name != "" {
		check.Outcome, check.Detail = Passed, what+", made by "+name
		return check
	}
	for _, accident := range accidents {
		if changed := accident.undo(c.Body); !bytes.Equal(changed, c.Body) && made(changed) != "" {
			check.Detail = fmt.Sprintf("%s, made by %s, but over other bytes: %s", what, made(changed), accident.happened)
			return check
		}
	}
	check.Detail = what + ", not made by any key given here over this body"
	return check
}

// accidents are what usually happens to a body between its sender and a file.
var accidents = []struct {
	happened string
	undo     func([]byte) []byte
}{
	{"the body has a line break at its end that was not sent", func(b []byte) []byte { return bytes.TrimRight(b, "\r\n") }},
	{"the body lacks the line break at its end", func(b []byte) []byte { return append(bytes.Clone(b), '\n') }},
	{"the body begins with a byte order mark that was not sent", func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\ufeff")) }},
	{"the body was saved in UTF-16; save the bytes as they came", decoded},
	{"the line breaks of the body were changed to those of Windows", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }},
	{"the JSON of the body was formatted anew; verify the bytes as they came", compacted},
}

func compacted(body []byte) []byte {
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return body
	}
	return compact.Bytes()
}

func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
