package model

import "strings"

// KeepableText returns text that the database can keep: what is not UTF-8 and the
// character U+0000 are replaced by U+FFFD.
func KeepableText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
