package verify

import (
	"fmt"
	"io"
	"strconv"
)

// marks are how outcomes are written: as words, so that they need no colour.
var marks = map[Outcome]string{Passed: "ok", Failed: "FAILED", Skipped: "-"}

// Show writes the report for people.
func (r Report) Show(w io.Writer) error {
	for _, check := range r.Checks {
		if _, err := fmt.Fprintf(w, "%-6s  %-23s  %s\n", marks[check.Outcome], check.Name, printable(check.Detail)); err != nil {
			return err
		}
	}
	verdict := "Believed: a receiver with these keys accepts it."
	if !r.Believed {
		verdict = "Refused: " + printable(r.Reason) + "."
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}

// printable returns a text that cannot move a terminal's cursor: parts of it come
// from whoever sent the webhook.
func printable(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}
