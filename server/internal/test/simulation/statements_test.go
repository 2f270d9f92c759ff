package simulation

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"reflect"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
)

// errPeeked fails the statement that a transaction begins with, when that is all
// that was to be learned.
var errPeeked = errors.New("this transaction runs again")

// peek is a transaction that ends at its first statement, as one does that
// PostgreSQL asks to be restarted. So it says what a transaction is about before
// it is let into the database.
type peek struct {
	dialect database.Dialect
	first   string
}

var _ database.Conn = (*peek)(nil)

// about names a transaction: the server, for what request, and its first statement.
func (d *nodeDatabase) about(ctx context.Context, kind string, fn func(database.Conn) error) string {
	p := &peek{dialect: d.Dialect()}
	_ = fn(p) // which failed
	return strings.Join([]string{d.name, kind, p.first, nameOf(ctx)}, " ")
}

func (p *peek) at(query string, args []any) error {
	if p.first == "" {
		var text strings.Builder
		text.WriteString(database.Summary(query))
		for _, arg := range args {
			fmt.Fprintf(&text, " %.80v", value(arg))
		}
		p.first = text.String()
	}
	return errPeeked
}

// Exec implements [database.Conn].
func (p *peek) Exec(query string, args ...any) (int64, error) { return 0, p.at(query, args) }

// Queue implements [database.Conn].
func (p *peek) Queue(query string, args []any, _ func(int64) error) error { return p.at(query, args) }

// Query implements [database.Conn].
func (p *peek) Query(query string, args ...any) (database.Rows, error) {
	return nil, p.at(query, args)
}

// Notify implements [database.Conn].
func (p *peek) Notify(string) error { return nil }

// AfterCommit implements [database.Conn].
func (p *peek) AfterCommit(func()) {}

// Dialect implements [database.Conn].
func (p *peek) Dialect() database.Dialect { return p.dialect }

// digest is the sum of all statements of a transaction, by which replays are
// compared.
type digest struct {
	hash       hash.Hash64
	statements int
}

func newDigest() *digest { return &digest{hash: fnv.New64a()} }

func (d *digest) add(query string, args []any) {
	d.statements++
	_, _ = d.hash.Write([]byte(query))
	for _, arg := range args {
		switch v := value(arg).(type) {
		case string:
			_, _ = d.hash.Write([]byte(v))
		case []byte:
			_, _ = d.hash.Write(v)
		case int64:
			_ = binary.Write(d.hash, binary.LittleEndian, v)
		default:
			_, _ = fmt.Fprint(d.hash, v)
		}
		_, _ = d.hash.Write([]byte{0})
	}
}

func (d *digest) String() string {
	return fmt.Sprintf("%d statements %016x", d.statements, d.hash.Sum64())
}

// probe runs a transaction, undoes it, and returns what it does.
func (d *nodeDatabase) probe(fn func(database.Conn) error) string {
	conn := &nodeConn{database: d, digest: newDigest()}
	_ = d.DB.Update(context.Background(), func(inner database.Conn) error {
		conn.Conn = inner
		return errors.Join(fn(conn), errPeeked)
	})
	return conn.digest.String()
}

// value returns what an argument of a statement points to.
func value(arg any) any {
	v := reflect.ValueOf(arg)
	if v.Kind() != reflect.Pointer {
		return arg
	}
	if v.IsNil() {
		return nil
	}
	return v.Elem().Interface()
}
