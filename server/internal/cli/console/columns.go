package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// column is a column of a table of items, by its name.
type column[T any] struct {
	name string
	cell func(c *Console, item T) string
}

// ColumnError says that a list has no column of a name.
type ColumnError struct {
	// Name is what was asked for, Known what there is.
	Name  string
	Known []string
}

// Error names the column and those that there are.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("there is no column %q; there are %s", e.Name, strings.Join(e.Known, ", "))
}

// chosen returns the columns with the names, in their order.
func chosen[T any](all []column[T], names []string) (columns []column[T], err error) {
	for _, name := range names {
		i := slices.IndexFunc(all, func(c column[T]) bool { return c.name == strings.ToLower(strings.TrimSpace(name)) })
		if i < 0 {
			known := make([]string, len(all))
			for i, c := range all {
				known[i] = c.name
			}
			return nil, &ColumnError{Name: name, Known: known}
		}
		columns = append(columns, all[i])
	}
	return columns, nil
}

// showPage shows a page of a list in columns, and how to see the next. none is said of an
// empty list.
func showPage[T any](c *Console, columns []column[T], page client.Page[T], none string) error {
	if len(page.Items) == 0 && page.NextCursor == "" {
		return c.line("%s", none)
	}
	head := make([]string, len(columns))
	for i, column := range columns {
		head[i] = terminal.Paint(c.Colour, terminal.Faint, strings.ToUpper(column.name))
	}
	rows := [][]string{head}
	for _, item := range page.Items {
		row := make([]string, len(columns))
		for i, column := range columns {
			row[i] = orDash(column.cell(c, item))
		}
		rows = append(rows, row)
	}
	if err := c.table(rows); err != nil || page.NextCursor == "" {
		return err
	}
	return c.line("\nThere are more: --cursor %s", page.NextCursor)
}
