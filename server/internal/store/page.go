package store

import (
	"fmt"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Page bounds what is read of a list at once.
type Page struct {
	// Items is how many items it has at the most.
	Items int
	// Bytes is how many bytes the texts of its items have together at the most; 0 for
	// any number. It has one item at least, however large that is.
	Bytes int64
	// Reserve is asked for room before so many bytes of texts are loaded, and its error
	// ends the reading; nil if there is always room.
	Reserve func(bytes int64) error
}

// reserve asks for room to load bytes.
func (p Page) reserve(bytes int64) error {
	if p.Reserve == nil || bytes == 0 {
		return nil
	}
	return p.Reserve(bytes)
}

// listing is a query for items of which some may be large.
type listing[T any] struct {
	// columns are what scan reads, and from is the query from FROM to the order, with
	// its arguments.
	columns, from string
	args          []any
	// key is the text by which the next page begins with an item, and size how many
	// bytes its texts have. They are evaluated without loading the texts.
	key, size string
	scan      func(database.Rows) (T, error)
}

// readPage returns a page of a list, and the key of the first item that is not on it;
// empty at the end. It asks for the sizes of the items first, so that no more is loaded
// than the page has.
func readPage[T any](tx *Tx, l listing[T], page Page) (items []T, next string, err error) {
	type measured struct {
		key   string
		bytes int64
	}
	limited := fmt.Sprintf("%s LIMIT $%d", l.from, len(l.args)+1)
	args := func(limit int) []any { return append(l.args[:len(l.args):len(l.args)], limit) }
	found, err := collect(tx, `SELECT `+l.key+`, `+l.size+` `+limited, args(page.Items+1), func(rows database.Rows) (m measured, err error) {
		err = rows.Scan(&m.key, &m.bytes)
		return m, err
	})
	if err != nil || len(found) == 0 {
		return nil, "", err
	}
	count, bytes := 0, int64(0)
	for count < min(len(found), page.Items) && (count == 0 || page.Bytes == 0 || bytes+found[count].bytes <= page.Bytes) {
		bytes += found[count].bytes
		count++
	}
	if count < len(found) {
		next = found[count].key
	}
	if err := page.reserve(bytes); err != nil {
		return nil, "", err
	}
	items, err = collect(tx, `SELECT `+l.columns+` `+limited, args(count), l.scan)
	return items, next, err
}

// bytesOf returns an expression of how many bytes the columns of a row have together.
// Neither engine loads a text to know that.
func bytesOf(columns ...string) string {
	terms := make([]string, len(columns))
	for i, column := range columns {
		terms[i] = `COALESCE(octet_length(` + column + `), 0)`
	}
	return strings.Join(terms, " + ")
}
