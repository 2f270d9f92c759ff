package verify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ParseHeader reads headers as people record them: lines such as "Webhook-Id:
// ntf_1", the first of which may be the request's, or a JSON object of texts or
// lists of texts. What follows an empty line is left out. Its error names the
// line that is neither.
//
// A file may be in UTF-8 or, as PowerShell writes them, in UTF-16, each with a byte
// order mark or without.
func ParseHeader(file []byte) (http.Header, error) {
	text := string(decoded(file))
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return parseJSON(text)
	}
	header := http.Header{}
	for number, line := range strings.Split(strings.TrimLeft(text, "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			break
		}
		// As curl shows what it sends and gets.
		line = strings.TrimPrefix(strings.TrimPrefix(line, "> "), "< ")
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(name, " \t") {
			if number == 0 && strings.Contains(line, " HTTP/") {
				continue
			}
			return nil, fmt.Errorf("line %d is %q, which is not like Name: value", number+1, abbreviated(line))
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	return header, nil
}

func parseJSON(text string) (http.Header, error) {
	var members map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // a timestamp is not to become 1.7e+09
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("it begins like JSON, but: %w", err)
	}
	header := http.Header{}
	for name, value := range members {
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		for _, value := range values {
			switch value.(type) {
			case string, json.Number:
				header.Add(name, fmt.Sprint(value))
			default:
				return nil, fmt.Errorf("the member %q must be a text or a list of texts", abbreviated(name))
			}
		}
	}
	return header, nil
}

// decoded is the text of a file in UTF-8, without its byte order mark.
func decoded(file []byte) []byte {
	var fallback transform.Transformer = transform.Nop
	switch {
	case len(file) > 1 && file[0] == 0: // neither a header nor JSON begins with one
		fallback = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	case len(file) > 1 && file[1] == 0:
		fallback = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(fallback), file)
	if err != nil {
		return file
	}
	return text
}

func abbreviated(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
