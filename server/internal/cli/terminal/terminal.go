// Package terminal is what the commands that write for people share. What they
// show comes in part from apps, receivers and senders, and must not be able to
// steer the terminal it is shown on.
package terminal

import (
	"strconv"
	"strings"
)

// Printable returns a text as it is if every character of it can be printed, and
// otherwise quoted, with those that cannot be as escape sequences.
func Printable(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}

// Line returns the first line of a text that is printable, cut to at most most
// characters.
func Line(text string, most int) string {
	text, _, cut := strings.Cut(strings.TrimSpace(text), "\n")
	runes := []rune(Printable(strings.TrimRight(text, "\r")))
	if len(runes) > most {
		runes, cut = runes[:most], true
	}
	if cut {
		return string(runes) + " …"
	}
	return string(runes)
}
