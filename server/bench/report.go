package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// The columns of the table.
const (
	columnSQLite   = "SQLite"
	columnPostgres = "PostgreSQL"
	columnFloor    = "floor"
)

var columns = []string{columnSQLite, columnPostgres, columnFloor}

// report collects figures, one for each round, under a section, a name with its
// unit, and a column.
type report struct {
	Rows []*row `json:"rows"`
}

type row struct {
	Section string               `json:"section"`
	Name    string               `json:"name"`
	Unit    string               `json:"unit"`
	Rounds  map[string][]float64 `json:"rounds"`
}

func (r *report) add(section, name, unit, column string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	found := r.row(section, name, unit)
	found.Rounds[column] = append(found.Rounds[column], value)
}

// row returns a row, which is made at the end of its section if it is new. Rows
// without figures are not shown.
func (r *report) row(section, name, unit string) *row {
	for _, row := range r.Rows {
		if row.Section == section && row.Name == name {
			return row
		}
	}
	made := &row{Section: section, Name: name, Unit: unit, Rounds: map[string][]float64{}}
	r.Rows = append(r.Rows, made)
	return made
}

// print writes the table.
func (r *report) print(out io.Writer, b *bench) error {
	fmt.Fprintln(out, b.heading())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var sections []string
	for _, row := range r.Rows {
		if len(row.Rounds) > 0 && !slices.Contains(sections, row.Section) {
			sections = append(sections, row.Section)
		}
	}
	for _, section := range sections {
		fmt.Fprintf(table, "\n%s\t\t%s\n", section, strings.Join(columns, "\t"))
		for _, row := range r.Rows {
			if row.Section != section || len(row.Rounds) == 0 {
				continue
			}
			fmt.Fprintf(table, "  %s\t%s", row.Name, row.Unit)
			for _, column := range columns {
				fmt.Fprintf(table, "\t%s", figure(row.Rounds[column]))
			}
			fmt.Fprintln(table)
		}
	}
	return table.Flush()
}

// figure shows the median of the rounds, and their range.
func figure(rounds []float64) string {
	if len(rounds) == 0 {
		return "-"
	}
	median := number(quantile(rounds, 0.5))
	if len(rounds) == 1 {
		return median
	}
	return fmt.Sprintf("%s (%s-%s)", median, number(slices.Min(rounds)), number(slices.Max(rounds)))
}

// number shows three digits that matter.
func number(value float64) string {
	switch size := math.Abs(value); {
	case size == 0:
		return "0"
	case size < 0.1:
		return fmt.Sprintf("%.3f", value)
	case size < 10:
		return fmt.Sprintf("%.2f", value)
	case size < 100:
		return fmt.Sprintf("%.1f", value)
	}
	digits := fmt.Sprintf("%.0f", value)
	if len(digits) > 3 {
		return digits[:len(digits)-3] + "," + digits[len(digits)-3:]
	}
	return digits
}

func (r *report) writeJSON(name string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o666)
}

// quantile returns the smallest value that at least the share q of all values do
// not exceed, but for the median of an even number, which lies between two. Of no
// values it is not a number.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	if q == 0.5 && len(sorted)%2 == 0 {
		return (sorted[rank] + sorted[rank+1]) / 2
	}
	return sorted[max(0, rank)]
}
