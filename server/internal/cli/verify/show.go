package verify

import (
	"fmt"
	"io"

	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// marks are how outcomes are written: as words, so that they need no colour.
var marks = map[Outcome]string{Passed: "ok", Failed: "FAILED", Skipped: "-"}

// Show writes the report for people.
func (r Report) Show(w io.Writer) error {
	for _, check := range r.Checks {
		if _, err := fmt.Fprintf(w, "%-6s  %-23s  %s\n", marks[check.Outcome], check.Name, terminal.Printable(check.Detail)); err != nil {
			return err
		}
	}
	verdict := "Believed: a receiver with these keys accepts it."
	if !r.Believed {
		verdict = "Refused: " + terminal.Printable(r.Reason) + "."
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}
