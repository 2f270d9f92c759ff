package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/runhook/runhook/server/internal/cli/remote"
)

// Console asks a server and shows its answers.
type Console struct {
	Server *remote.Server
	Out    io.Writer
	// JSON has answers written as the server gave them.
	JSON bool
	// Colour has lines coloured.
	Colour bool
}

// answered takes the error of asking the server, and writes the answer where JSON is
// wanted: then it is done. Its errors are written for people.
func (c *Console) answered(err error) (done bool, _ error) {
	if err != nil {
		return false, c.Server.Explain(err)
	}
	if c.JSON {
		return true, c.writeJSON(c.Server.Answer())
	}
	return false, nil
}

func (c *Console) writeJSON(answer []byte) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		return fmt.Errorf("%s answers, but not as a Runhook server: %w", c.Server.APIURL(), err)
	}
	_, err := fmt.Fprintf(c.Out, "%s\n", bytes.TrimSpace(indented.Bytes()))
	return err
}

// table writes rows of cells in columns.
func (c *Console) table(rows [][]string) error {
	table := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			end := "\t"
			if i == len(row)-1 {
				end = "\n"
			}
			fmt.Fprint(table, cell, end)
		}
	}
	return table.Flush()
}

func (c *Console) line(format string, arguments ...any) error {
	_, err := fmt.Fprintf(c.Out, format+"\n", arguments...)
	return err
}

// moment writes a time for people, in UTC to the second; a dash for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
