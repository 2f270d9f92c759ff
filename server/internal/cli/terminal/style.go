package terminal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/runhook/runhook/protocol"
)

// Style is how much attention a text calls for.
type Style string

// The styles, as the parameters of a terminal's sequences.
const (
	Plain Style = ""
	Faint Style = "2"
	Good  Style = "32"
	Warn  Style = "33"
	Bad   Style = "31"
)

// Paint returns a text in a style, if colour is wanted.
func Paint(colour bool, style Style, text string) string {
	if !colour || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// longestText is how many characters of a text are shown at the most.
const longestText = 400

// Cleaned returns a text that cannot move a terminal's cursor, nor fill the
// screen.
func Cleaned(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return text
}

// FirstLine returns a text up to its first line break.
func FirstLine(text string) string {
	line, rest, more := strings.Cut(strings.TrimSpace(text), "\n")
	if more && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(line) + " …"
	}
	return strings.TrimSpace(line)
}

// Fitted returns a name that takes exactly so many columns.
func Fitted(name string, wide int) string {
	name = Cleaned(name)
	for Columns(name) > wide {
		runes := []rune(strings.TrimSuffix(name, "…"))
		name = string(runes[:len(runes)-1]) + "…"
	}
	return name + strings.Repeat(" ", wide-Columns(name))
}

// The bounds of a column of names.
const (
	shortestName = 8
	longestName  = 24
)

// NameColumn is a column of names that is as wide as they need, between bounds. The
// zero value has none. It is for one goroutine at a time.
type NameColumn struct{ wide int }

// Widen makes room for a name.
func (c *NameColumn) Widen(name string) { c.wide = max(c.wide, min(Columns(name), longestName)) }

// Fit returns a name as wide as the column.
func (c *NameColumn) Fit(name string) string { return Fitted(name, max(c.wide, shortestName)) }

// OfEnd returns the style of how a run has ended.
func OfEnd(status protocol.RunStatus) Style {
	switch status {
	case protocol.RunSuccess:
		return Good
	case protocol.RunCanceled:
		return Warn
	}
	return Bad
}

// Columns returns how much room a text takes on a terminal.
func Columns(text string) (n int) {
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if !unicode.Is(unicode.Mn, r) {
				n++
			}
		}
	}
	return n
}

// Duration returns how long something took, for people.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
