package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// style is how much attention a text calls for.
type style string

// The styles, as the parameters of the terminal's sequences.
const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	good   style = "32"
	warn   style = "33"
	bad    style = "31"
)

// columns is how wide the output may be.
const columns = 100

// The widths of an event's columns.
const (
	whoWidth     = 8
	whatWidth    = 15
	longestName  = 20
	shortestName = 14
)

// screen writes for people: lines, tables and, on a terminal, a last line that
// shows progress. It may be used concurrently.
type screen struct {
	out       io.Writer
	terminal  bool
	colour    bool
	started   time.Time
	nameWidth int

	mu     sync.Mutex
	status string
}

// print writes a line.
func (s *screen) print(parts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintln(s.out, strings.TrimRight(strings.Join(parts, ""), " "))
	s.draw()
}

// event writes a line about something that has just happened.
func (s *screen) event(style style, who, what, name, detail string) {
	elapsed := time.Since(s.started)
	head := fmt.Sprintf("%8.3f  ", elapsed.Seconds())
	room := columns - len(head) - whoWidth - whatWidth
	name = fit(name, s.nameWidth+2)
	room -= s.nameWidth + 2
	s.print(s.paint(faint, head), s.paint(strong, fit(who, whoWidth)),
		s.paint(style, fit(what, whatWidth)+name+cut(printable(detail), room)))
}

// showStatus has the last line of a terminal say something else. An empty text
// removes it.
func (s *screen) showStatus(text string) {
	if !s.terminal {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.status = text
	s.draw()
}

func (s *screen) clear() {
	if s.status != "" {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
}

func (s *screen) draw() {
	if s.status != "" {
		fmt.Fprint(s.out, s.paint(faint, s.status))
	}
}

func (s *screen) paint(style style, text string) string {
	if !s.colour || style == plain || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// paragraph writes text in lines of at most the columns there are, after an
// indent.
func (s *screen) paragraph(style style, indent, text string) {
	for _, line := range wrap(text, columns-len(indent)) {
		s.print(indent, s.paint(style, line))
	}
}

// wrap divides text into lines between its words.
func wrap(text string, room int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case widthOf(line)+1+widthOf(word) > room:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// fit makes text exactly as wide as asked, with a space at its end.
func fit(text string, room int) string {
	text = cut(text, room-1)
	return text + strings.Repeat(" ", room-widthOf(text))
}

// cut shortens text that needs more room than there is.
func cut(text string, room int) string {
	if widthOf(text) <= room {
		return text
	}
	var kept strings.Builder
	used := 0
	for _, r := range text {
		if used += runeWidth(r); used > room-1 {
			break
		}
		kept.WriteRune(r)
	}
	return kept.String() + "…"
}

// shortName returns a path for people: without what a terminal would act on, and
// with its end kept if it is long.
func shortName(path string) string {
	name := []rune(printable(path))
	for start := range name {
		rest := string(name[start:])
		if start > 0 {
			rest = "…" + rest
		}
		if widthOf(rest) <= longestName {
			return rest
		}
	}
	return `""`
}

// printable replaces the characters that a terminal would act on or not show.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, strings.ToValidUTF8(text, "�"))
}

// widthOf returns how many columns of a terminal a text takes.
func widthOf(text string) int {
	total := 0
	for _, r := range text {
		total += runeWidth(r)
	}
	return total
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x1100:
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// heading writes the title of a table after an empty line.
func (s *screen) heading(text string) {
	s.print()
	s.print(s.paint(strong, text))
}
