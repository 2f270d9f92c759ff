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

// longestReason bounds how much is kept of why something failed, in bytes.
const longestReason = 2000

// KeptReason returns what is kept of why something failed: its beginning, as
// [KeepableText].
func KeptReason(text string) string { return KeepableText(text[:min(len(text), longestReason)]) }

// Shortened returns a text of at most so many bytes as it is, and otherwise as many of
// its beginning, with three dots.
func Shortened(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "") + "..."
}

// KeepableBytes is KeepableText for text in bytes, which it does not change in place.
func KeepableBytes(text []byte) []byte {
	if bytes.IndexByte(text, 0) < 0 && utf8.Valid(text) {
		return text
	}
	return []byte(KeepableText(string(text)))
}

const replacement = "\uFFFD"
