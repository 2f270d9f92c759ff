package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// largestSafeInteger is the largest n for which JavaScript distinguishes n and n+1.
const largestSafeInteger = 1<<53 - 1

// jsonValue returns value as encoding/json would decode it from its own JSON
// text, with numbers as json.Number.
func jsonValue(value any) (any, error) {
	text, ok := value.(json.RawMessage)
	if !ok {
		var err error
		if text, err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("%q is not valid JSON", text)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var decoded any
	err := decoder.Decode(&decoded)
	return decoded, err
}

// appendCanonical writes a value from jsonValue as JavaScript would after
// sorting the keys of its objects.
func appendCanonical(dst []byte, value any) []byte {
	switch v := value.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendText(dst, v)
	case json.Number:
		return appendNumber(dst, v.String())
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, item)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, key), ':')
			dst = appendCanonical(dst, v[key])
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// appendNumber writes a JSON number as JavaScript does, save for integers that
// JavaScript would round: those keep their digits, so that two large ids never
// become one.
func appendNumber(dst []byte, text string) []byte {
	number, _ := strconv.ParseFloat(text, 64) // out of range gives an infinity
	if !strings.ContainsAny(text, ".eE") && math.Abs(number) > largestSafeInteger {
		return append(dst, text...)
	}
	return appendFloat(dst, number)
}

func appendFloat(dst []byte, number float64) []byte {
	switch size := math.Abs(number); {
	case math.IsInf(number, 0) || math.IsNaN(number):
		return append(dst, "null"...)
	case number == 0: // minus zero too
		return append(dst, '0')
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(dst, number, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, number, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript as few as it can.
	if end := len(dst); dst[end-2] == '0' && (dst[end-3] == '-' || dst[end-3] == '+') {
		dst[end-2] = dst[end-1]
		dst = dst[:end-1]
	}
	return dst
}

// sortedKeys returns the keys of an object in the order JavaScript enumerates
// them after they were inserted sorted: array indexes by value, then the rest
// by UTF-16 code units.
func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		indexA, isIndexA := arrayIndex(a)
		indexB, isIndexB := arrayIndex(b)
		switch {
		case isIndexA && isIndexB:
			return int(indexA - indexB)
		case isIndexA:
			return -1
		case isIndexB:
			return 1
		}
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	return keys
}

// arrayIndex reports whether key is what JavaScript calls an array index: a
// decimal number without leading zeros, below 2^32-1.
func arrayIndex(key string) (int64, bool) {
	if key == "" || len(key) > 10 || key[0] == '0' && key != "0" {
		return 0, false
	}
	var index int64
	for _, c := range []byte(key) {
		if c < '0' || c > '9' {
			return 0, false
		}
		index = index*10 + int64(c-'0')
	}
	return index, index < math.MaxUint32
}

// appendText writes text as a JSON string, escaping only what JSON demands, as
// JavaScript does: quotes, backslashes and control characters. Bytes that are
// not UTF-8 become U+FFFD.
func appendText(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, text[plain:i]...), "\uFFFD"...)
				plain = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, text[plain:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		plain = i
	}
	return append(append(dst, text[plain:]...), '"')
}
