package sqlite

import (
	"fmt"
	"strconv"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	library "modernc.org/sqlite/lib"

	"github.com/runhook/runhook/server/internal/store/database"
)

// statement is a prepared statement. Text and binary arguments are copied into a
// buffer that it keeps, and bound there without a further copy.
type statement struct {
	connection *connection
	handle     uintptr
	// order says, for each parameter of the statement, which argument it is.
	order     []int
	arguments int
	values    []value
	readOnly  bool

	buffer   uintptr
	capacity int
}

// static tells SQLite that a bound value stays where it is until the statement is
// done, so that it makes no copy.
const static = 0

// keptBuffer is the largest argument buffer that outlives a run of its statement.
const keptBuffer = 64 << 10

func newStatement(c *connection, query string) (*statement, error) {
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.thread, text)
	code := library.Xsqlite3_prepare_v3(c.thread, c.handle, text, int32(len(query)+1),
		library.SQLITE_PREPARE_PERSISTENT, c.outAddress(0), c.outAddress(1))
	if code != library.SQLITE_OK {
		return nil, fmt.Errorf("prepare %q: %w", query, c.failure(code))
	}
	s := &statement{connection: c, handle: c.returned(0)}
	if s.handle == 0 {
		return nil, fmt.Errorf("prepare %q: there is no statement in it", query)
	}
	if err := s.learnParameters(query, libc.GoString(c.returned(1))); err != nil {
		s.finalize()
		return nil, err
	}
	s.readOnly = library.Xsqlite3_stmt_readonly(c.thread, s.handle) != 0
	return s, nil
}

// learnParameters reads which argument each parameter stands for, and refuses
// what the other engine would: a second statement, a parameter without a number.
func (s *statement) learnParameters(query, rest string) error {
	for _, r := range rest {
		if r != ' ' && r != '\n' && r != '\t' && r != '\r' && r != ';' {
			return fmt.Errorf("prepare %q: one statement at a time, but %q follows", query, rest)
		}
	}
	thread := s.connection.thread
	count := int(library.Xsqlite3_bind_parameter_count(thread, s.handle))
	s.order = make([]int, count)
	for i := range s.order {
		name := libc.GoString(library.Xsqlite3_bind_parameter_name(thread, s.handle, int32(i+1)))
		number := 0
		if len(name) > 1 && name[0] == '$' {
			number, _ = strconv.Atoi(name[1:])
		}
		if number < 1 {
			return fmt.Errorf("prepare %q: parameter %d is %q; write $1, $2 and so on", query, i+1, name)
		}
		s.order[i] = number - 1
		s.arguments = max(s.arguments, number)
	}
	s.values = make([]value, s.arguments)
	return nil
}

// bind gives the statement its arguments.
func (s *statement) bind(args []any) error {
	if len(args) != s.arguments {
		return fmt.Errorf("the statement has %d parameters and was given %d arguments", s.arguments, len(args))
	}
	size := 0
	for i, arg := range database.Storable(args) {
		v, err := valueOf(arg)
		if err != nil {
			return fmt.Errorf("argument $%d: %w", i+1, err)
		}
		s.values[i] = v
		size += len(v.bytes)
	}
	s.reserve(size + 1)
	next := s.buffer
	for i := range s.values {
		v := &s.values[i]
		v.address = next
		next += uintptr(copy(libc.GoBytes(next, len(v.bytes)), v.bytes))
	}
	for i, argument := range s.order {
		if err := s.bindOne(int32(i+1), &s.values[argument]); err != nil {
			return err
		}
	}
	return nil
}

func (s *statement) bindOne(parameter int32, v *value) error {
	thread, length := s.connection.thread, int32(len(v.bytes))
	var code int32
	switch v.kind {
	case integerValue:
		code = library.Xsqlite3_bind_int64(thread, s.handle, parameter, v.integer)
	case floatValue:
		code = library.Xsqlite3_bind_double(thread, s.handle, parameter, v.float)
	case textValue:
		code = library.Xsqlite3_bind_text(thread, s.handle, parameter, v.address, length, static)
	case blobValue:
		code = library.Xsqlite3_bind_blob(thread, s.handle, parameter, v.address, length, static)
	default:
		code = library.Xsqlite3_bind_null(thread, s.handle, parameter)
	}
	if code != library.SQLITE_OK {
		return s.connection.failure(code)
	}
	return nil
}

// reserve makes the buffer at least size bytes long.
func (s *statement) reserve(size int) {
	if size <= s.capacity {
		return
	}
	s.release()
	s.capacity = max(256, 2*size)
	s.buffer = libc.Xmalloc(s.connection.thread, types.Size_t(s.capacity))
}

func (s *statement) release() {
	if s.buffer != 0 {
		libc.Xfree(s.connection.thread, s.buffer)
	}
	s.buffer, s.capacity = 0, 0
}

// step runs the statement up to its next row and reports whether there is one.
func (s *statement) step() (bool, error) {
	switch code := library.Xsqlite3_step(s.connection.thread, s.handle); code {
	case library.SQLITE_ROW:
		return true, nil
	case library.SQLITE_DONE:
		return false, nil
	default:
		return false, s.connection.failure(code)
	}
}

// reset makes the statement ready for its next run. What it did stays done; an
// error of the run was already given by step. Until the next run binds every
// parameter anew, nothing reads what the old ones point to.
func (s *statement) reset() {
	library.Xsqlite3_reset(s.connection.thread, s.handle)
	clear(s.values)
	if s.capacity > keptBuffer {
		s.release()
	}
}

func (s *statement) finalize() {
	library.Xsqlite3_finalize(s.connection.thread, s.handle)
	s.release()
}
