package protocol

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ExactText is a JSON string that is returned as it came, so that the client that sent it
// finds its own again. JavaScript's strings may hold half of a surrogate pair,
// such as what is left of an emoji that was cut, which encoding/json makes U+FFFD.
// Here it is kept, as the three bytes that UTF-8 would have for it. All other text
// is UTF-8.
type ExactText string

var errNotText = errors.New("not a JSON string")

// UnmarshalJSON implements [json.Unmarshaler].
func (t *ExactText) UnmarshalJSON(raw []byte) error {
	if len(raw) < 2 || raw[0] != '"' {
		return errNotText
	}
	var text []byte
	// What lies between halves of surrogate pairs is left to encoding/json.
	rest, begin := raw[1:len(raw)-1], 0
	appendPlain := func(end int) error {
		var plain string
		if err := json.Unmarshal([]byte(`"`+string(rest[begin:end])+`"`), &plain); err != nil {
			return err
		}
		text = append(text, plain...)
		return nil
	}
	for i := 0; i < len(rest); i++ {
		if rest[i] != '\\' {
			continue
		}
		half, ok := escaped(rest[i:])
		if !ok {
			i++ // over what the backslash escapes
			continue
		}
		const length = len(`\uFFFF`)
		if other, ok := escaped(rest[i+length:]); ok && utf16.DecodeRune(half, other) != utf8.RuneError {
			i += 2*length - 1
			continue
		}
		if err := appendPlain(i); err != nil {
			return err
		}
		text = append(text, 0xE0|byte(half>>12), 0x80|byte(half>>6)&0xBF, 0x80|byte(half)&0xBF)
		i += length - 1
		begin = i + 1
	}
	if err := appendPlain(len(rest)); err != nil {
		return err
	}
	*t = ExactText(text)
	return nil
}

// IsWholeText reports whether no string in JSON text has half of a surrogate pair,
// which encoding/json would make U+FFFD.
func IsWholeText(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		half, ok := escaped(raw[i:])
		if !ok {
			i++ // over what the backslash escapes
			continue
		}
		const length = len(`\uFFFF`)
		other, ok := escaped(raw[i+length:])
		if !ok || utf16.DecodeRune(half, other) == utf8.RuneError {
			return false
		}
		i += 2*length - 1
	}
	return true
}

// escaped returns the half of a surrogate pair that text begins with as an escape.
func escaped(text []byte) (half rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	number, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(number), err == nil && utf16.IsSurrogate(rune(number))
}

// MarshalJSON implements [json.Marshaler].
func (t ExactText) MarshalJSON() ([]byte, error) {
	var out strings.Builder
	out.WriteByte('"')
	rest, begin := string(t), 0
	appendPlain := func(end int) {
		plain, _ := json.Marshal(rest[begin:end]) // a string always encodes
		out.Write(plain[1 : len(plain)-1])
	}
	for i := 0; i+2 < len(rest); i++ {
		if rest[i] != 0xED || rest[i+1]&0xE0 != 0xA0 || rest[i+2]&0xC0 != 0x80 {
			continue
		}
		appendPlain(i)
		half := 0xD000 | uint64(rest[i+1]&0x3F)<<6 | uint64(rest[i+2]&0x3F)
		out.WriteString(`\u` + strconv.FormatUint(half, 16))
		i += 2
		begin = i + 1
	}
	appendPlain(len(rest))
	out.WriteByte('"')
	return []byte(out.String()), nil
}
