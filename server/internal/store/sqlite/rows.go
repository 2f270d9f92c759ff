package sqlite

import (
	"fmt"
	"strings"
	"unsafe"

	"modernc.org/libc"
	library "modernc.org/sqlite/lib"

	"github.com/runhook/runhook/server/internal/store/database"
)

// rows reads the result of a statement step by step.
type rows struct {
	transaction *transaction
	statement   *statement
	err         error
	// first is true until Next has given the row that Query stepped to.
	first, more, closed bool
}

var _ database.Rows = (*rows)(nil)

// Next moves to the next row and reports whether there is one.
func (r *rows) Next() bool {
	if r.closed || !r.more {
		return false
	}
	if r.first {
		r.first = false
		return true
	}
	more, err := r.statement.step()
	if err != nil {
		r.err = r.transaction.fail(err)
	}
	r.more = more
	return more
}

// Scan copies the columns of the row into what dest points to.
func (r *rows) Scan(dest ...any) error {
	thread, handle := r.transaction.connection.thread, r.statement.handle
	if r.closed || !r.more || r.first {
		return r.transaction.fail(fmt.Errorf("scan: there is no row; call Next first"))
	}
	if count := int(library.Xsqlite3_column_count(thread, handle)); count != len(dest) {
		return r.transaction.fail(fmt.Errorf("scan: the row has %d columns and %d destinations were given", count, len(dest)))
	}
	for i, target := range dest {
		if err := assign(target, column{thread, handle, int32(i)}); err != nil {
			name := libc.GoString(library.Xsqlite3_column_name(thread, handle, int32(i)))
			return r.transaction.fail(fmt.Errorf("scan column %d (%s): %w", i, name, err))
		}
	}
	return nil
}

// Err returns the error that ended the rows early.
func (r *rows) Err() error { return r.err }

// Close ends the statement. It may be called more than once.
func (r *rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.statement.reset()
	r.transaction.open = nil
}

// column is one value of the row a statement stands on.
type column struct {
	thread *libc.TLS
	handle uintptr
	index  int32
}

func (c column) kind() valueKind {
	switch library.Xsqlite3_column_type(c.thread, c.handle, c.index) {
	case library.SQLITE_INTEGER:
		return integerValue
	case library.SQLITE_FLOAT:
		return floatValue
	case library.SQLITE_TEXT:
		return textValue
	case library.SQLITE_BLOB:
		return blobValue
	default:
		return nullValue
	}
}

func (c column) integer() int64 {
	return library.Xsqlite3_column_int64(c.thread, c.handle, c.index)
}

func (c column) float() float64 {
	return library.Xsqlite3_column_double(c.thread, c.handle, c.index)
}

// raw is the column's bytes, which SQLite owns until the next step.
func (c column) raw() []byte {
	address := library.Xsqlite3_column_blob(c.thread, c.handle, c.index)
	length := int(library.Xsqlite3_column_bytes(c.thread, c.handle, c.index))
	if address == 0 || length == 0 {
		return nil
	}
	return libc.GoBytes(address, length)
}

func (c column) text() string {
	raw := c.raw()
	return strings.Clone(unsafe.String(unsafe.SliceData(raw), len(raw)))
}

func (c column) binary() []byte {
	return append([]byte{}, c.raw()...)
}
