package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/remote"
)

// Console asks a server and shows its answers.
type Console struct {
	Server *remote.Client
	Out    io.Writer
	// JSON has answers written as the server gave them.
	JSON bool
}

// ask makes a request, and decodes the answer into value unless it is written as
// JSON, which done tells. Its errors are written for people.
func (c *Console) ask(ctx context.Context, method, path string, body, value any) (done bool, err error) {
	answer, err := c.Server.Call(ctx, method, path, body)
	if err != nil {
		return false, c.Server.Explain(err)
	}
	if c.JSON {
		return true, c.writeJSON(answer)
	}
	if err := json.Unmarshal(answer, value); err != nil {
		return false, fmt.Errorf("%s answers, but not as a Runhook server: %w", c.Server.Base(), err)
	}
	return false, nil
}

func (c *Console) writeJSON(answer []byte) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		return fmt.Errorf("%s answers, but not as a Runhook server: %w", c.Server.Base(), err)
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
func moment(t *protocol.Time) string {
	if t == nil || t.Time.IsZero() {
		return "-"
	}
	return t.Time.UTC().Format("2006-01-02 15:04:05Z")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
