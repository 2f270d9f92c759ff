package terminal

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// painted matches what [Paint] adds to a text.
var painted = regexp.MustCompile("\x1b\\[[0-9]*m")

// tableGap is the room between two columns.
const tableGap = "  "

// WriteTable writes rows of cells in columns that are as wide as their widest cell. A cell
// may be painted, and is one line.
func WriteTable(w io.Writer, rows [][]string) error {
	var wide []int
	width := func(cell string) int { return Columns(painted.ReplaceAllString(cell, "")) }
	for _, row := range rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], width(cell))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			text.WriteString(cell)
			if i == len(row)-1 {
				break
			}
			text.WriteString(strings.Repeat(" ", wide[i]-width(cell)) + tableGap)
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Ago returns how long before now a time was, or how long after it is to come, for people:
// "5 min ago", "in 2 h".
func Ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < 0:
		return "in " + Span(-d)
	case d < time.Second:
		return "now"
	default:
		return Span(d) + " ago"
	}
}

// Span returns a length of time in its largest unit, for people: "5 min", "3 days".
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return count(d, time.Second, "s")
	case d < time.Hour:
		return count(d, time.Minute, "min")
	case d < 2*day:
		return count(d, time.Hour, "h")
	}
	return count(d, day, "days")
}

func count(d, unit time.Duration, name string) string { return fmt.Sprintf("%d %s", d/unit, name) }
