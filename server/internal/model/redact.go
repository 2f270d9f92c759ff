package model

import (
	"bytes"
	"encoding/json"
	"strings"
)

const (
	// redactedPath stands for a part of an output that people are not shown,
	// redactedString for a part of a text (api.md 8.10).
	redactedPath   = `"[REDACTED]"`
	redactedString = "********"
	// redactedMark is the member by which the SDK marks such a text.
	redactedMark = "__redactedString"
)

// ShownParams returns a task's params, which are JSON, as people are shown them:
// with the secret parts of texts masked. Everything else stays byte for byte.
func (t Task) ShownParams() []byte { return MaskStrings(t.Params) }

// ShownOutput returns a task's output, which is JSON, as people are shown it: with
// the parts masked that the task says are not for them. Everything else stays byte
// for byte.
func (t Task) ShownOutput() []byte {
	output := MaskStrings(t.Output)
	var redact struct {
		Paths []string `json:"paths"`
	}
	if output == nil || t.Redact == nil || json.Unmarshal(t.Redact, &redact) != nil {
		return output
	}
	for _, path := range redact.Paths {
		output = maskPath(output, strings.Split(path, "."))
	}
	return output
}

// maskPath masks the member of an object that a path names, if there is one.
func maskPath(raw []byte, path []string) []byte {
	return rewriteObject(raw, func(name string, value json.RawMessage) []byte {
		switch {
		case name != path[0]:
			return value
		case len(path) == 1:
			return []byte(redactedPath)
		}
		return maskPath(value, path[1:])
	})
}

// MaskStrings returns JSON in which each text that the SDK has marked as holding
// secrets is that text with the secrets masked.
func MaskStrings(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(redactedMark)) {
		return raw
	}
	var marked struct {
		Marked  bool     `json:"__redactedString"`
		Strings []string `json:"strings"`
	}
	if json.Unmarshal(raw, &marked) == nil && marked.Marked {
		return encodeText(strings.Join(marked.Strings, redactedString))
	}
	inner := func(_ string, value json.RawMessage) []byte { return MaskStrings(value) }
	if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && trimmed[0] == '[' {
		return rewriteArray(raw, inner)
	}
	return rewriteObject(raw, inner)
}

// rewriteObject returns an object with each member's value as rewrite has it, and
// anything else as it is.
func rewriteObject(raw []byte, rewrite func(name string, value json.RawMessage) []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return raw
	}
	rewritten := []byte{'{'}
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		var value json.RawMessage
		if err != nil || !isName || decoder.Decode(&value) != nil {
			return raw
		}
		if len(rewritten) > 1 {
			rewritten = append(rewritten, ',')
		}
		rewritten = append(append(rewritten, encodeText(name)...), ':')
		rewritten = append(rewritten, rewrite(name, value)...)
	}
	return append(rewritten, '}')
}

func rewriteArray(raw []byte, rewrite func(name string, value json.RawMessage) []byte) []byte {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return raw
	}
	rewritten := []byte{'['}
	for i, item := range items {
		if i > 0 {
			rewritten = append(rewritten, ',')
		}
		rewritten = append(rewritten, rewrite("", item)...)
	}
	return append(rewritten, ']')
}

// encodeText returns a text as JSON, without escaping HTML.
func encodeText(text string) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))
}
