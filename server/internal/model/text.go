package model

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// KeepableText returns text that every database can hold: bytes that are not UTF-8
// and the character U+0000 become U+FFFD.
func KeepableText(text string) string {
	if strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// KeepableBytes is KeepableText for text in bytes, which it does not change in place.
func KeepableBytes(text []byte) []byte {
	if bytes.IndexByte(text, 0) < 0 && utf8.Valid(text) {
		return text
	}
	return []byte(KeepableText(string(text)))
}

const replacement = "\uFFFD"
