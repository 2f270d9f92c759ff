package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/runhook/runhook/server/internal/cli/remote"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// Console asks a server and shows its answers.
type Console struct {
	Server *remote.Server
	Out    io.Writer
	// JSON has answers written as the server gave them.
	JSON bool
	// Colour has lines coloured.
	Colour bool
	// Now is the time, from which people are told how long ago something was.
	Now func() time.Time
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

// table writes rows of cells in columns. A cell may be painted.
func (c *Console) table(rows [][]string) error { return terminal.WriteTable(c.Out, rows) }

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

// ago writes how long ago a time was; a dash for none.
func (c *Console) ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return terminal.Ago(c.Now(), t)
}

// exactly writes a time with how long ago it was.
func (c *Console) exactly(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return moment(t) + ", " + c.ago(t)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
