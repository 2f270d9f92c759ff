package sqlite

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	library "modernc.org/sqlite/lib"
)

// connection is one SQLite connection, used by one goroutine at a time. It calls
// the library below the database/sql driver: with statements kept prepared, a
// write costs a third of what it costs through database/sql, and the writer is
// what bounds the product.
//
// Memory that the library reads or writes is allocated with its own allocator
// and reached through views that libc gives, never the other way round: it must
// not see Go memory.
type connection struct {
	thread     *libc.TLS
	handle     uintptr
	statements map[string]*statement
	out        uintptr // where the library writes the two pointers of a prepare
}

// keptStatements bounds the prepared statements of a connection. SQL texts are
// constants in the program, so it is not meant to be reached.
const keptStatements = 1000

// connect opens path, which is made if it is not there, and runs the pragmas.
func connect(path string, pragmas []string) (*connection, error) {
	c := &connection{thread: libc.NewTLS(), statements: make(map[string]*statement)}
	c.out = libc.Xmalloc(c.thread, types.Size_t(2*pointerSize))
	name, err := libc.CString(path)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.thread, name)
	const flags = library.SQLITE_OPEN_READWRITE | library.SQLITE_OPEN_CREATE | library.SQLITE_OPEN_NOMUTEX
	code := library.Xsqlite3_open_v2(c.thread, name, c.outAddress(0), flags, 0)
	c.handle = c.returned(0)
	if code != library.SQLITE_OK {
		err := c.failure(code)
		c.close()
		return nil, err
	}
	library.Xsqlite3_extended_result_codes(c.thread, c.handle, 1)
	for _, pragma := range pragmas {
		if _, err := c.exec(pragma); err != nil {
			c.close()
			return nil, fmt.Errorf("%s: %w", pragma, err)
		}
	}
	return c, nil
}

// close ends the connection with every statement it kept.
func (c *connection) close() error {
	for _, s := range c.statements {
		s.finalize()
	}
	c.statements = nil
	var err error
	if code := library.Xsqlite3_close(c.thread, c.handle); code != library.SQLITE_OK {
		err = c.failure(code)
	}
	libc.Xfree(c.thread, c.out)
	c.thread.Close()
	return err
}

const pointerSize = unsafe.Sizeof(uintptr(0))

func (c *connection) outAddress(i uintptr) uintptr { return c.out + i*pointerSize }

// returned is what the library wrote to outAddress(i).
func (c *connection) returned(i uintptr) uintptr {
	bytes := libc.GoBytes(c.outAddress(i), int(pointerSize))
	return *(*uintptr)(unsafe.Pointer(&bytes[0]))
}

// prepare returns the statement for a text, which it prepares the first time.
func (c *connection) prepare(query string) (*statement, error) {
	if s := c.statements[query]; s != nil {
		return s, nil
	}
	if len(c.statements) >= keptStatements {
		for _, s := range c.statements {
			s.finalize()
		}
		clear(c.statements)
	}
	s, err := newStatement(c, query)
	if err != nil {
		return nil, err
	}
	c.statements[query] = s
	return s, nil
}

// exec runs a statement to its end and returns how many rows it changed.
func (c *connection) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	defer s.reset()
	if err := s.bind(args); err != nil {
		return 0, err
	}
	for {
		more, err := s.step()
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
	}
	if s.readOnly {
		return 0, nil
	}
	return library.Xsqlite3_changes64(c.thread, c.handle), nil
}

// inTransaction reports whether a transaction is open. SQLite ends one by itself
// after some errors, such as a full disk.
func (c *connection) inTransaction() bool {
	return library.Xsqlite3_get_autocommit(c.thread, c.handle) == 0
}

// interrupt makes the statement under way fail. Unlike everything else here it
// may be called from any goroutine.
func (c *connection) interrupt() {
	thread := libc.NewTLS()
	defer thread.Close()
	library.Xsqlite3_interrupt(thread, c.handle)
}
