package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
)

// Moved says how many rows of a table were moved.
type Moved struct {
	Table string
	Rows  int
	// Shortened counts the texts that were cut, as no index of PostgreSQL takes them.
	Shortened int
}

// ErrNotEmpty means that the database to move to holds something already.
var ErrNotEmpty = errors.New("the database to move to is not empty; give it a new one")

// SourceError is an error of the database to move from, as against that to move to.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the database.
func (e *SourceError) Unwrap() error { return e.Err }

// ErrNothingToMove means that the database to move from is not there.
var ErrNothingToMove = errors.New("the database to move from is not there")

// Move copies every row of a SQLite database, which no server may have open, to an
// empty PostgreSQL database, in one transaction: either all of it is there
// afterwards or nothing. Ids, times and what is due stay as they are; what the
// last process had leased is due. The encryption key is moved too, into the
// PostgreSQL database if it was in a file. The SQLite database is marked as moved, and
// otherwise left as it is; a move that was interrupted can be made again.
func Move(ctx context.Context, from, to Options) (moved []Moved, err error) {
	if !strings.HasPrefix(from.URL, "sqlite:") || strings.HasPrefix(to.URL, "sqlite:") {
		return nil, errors.New("move from sqlite:PATH to postgres://...: nothing else is possible")
	}
	path, _ := strings.CutPrefix(from.URL, "sqlite:")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNothingToMove, err)
	}
	from.EvenMoved = true
	source, err := Open(ctx, from)
	if err != nil {
		return nil, &SourceError{fmt.Errorf("the database to move from: %w", err)}
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	var before *MovedError
	if err := source.db.View(ctx, checkMoved); errors.As(err, &before) && !before.Complete {
		before = nil
	} else if err != nil {
		return nil, err
	}
	if err := source.releaseAll(ctx); err != nil {
		return nil, &SourceError{fmt.Errorf("release what was leased: %w", err)}
	}
	target, err := postgres.Open(ctx, to.URL, postgres.Options{})
	if err != nil {
		return nil, fmt.Errorf("the database to move to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := migrations.Run(ctx, target); err != nil {
		return nil, fmt.Errorf("the database to move to: %w", postgres.Explain(err))
	}
	key := ""
	if from.MasterKey == nil {
		if key, err = source.keyText(); err != nil {
			return nil, err
		}
	}
	// Before the move, so that whatever interrupts it leaves no two databases that
	// servers take for theirs.
	shown := ShownURL(to.URL)
	if err := source.mark(ctx, movingSetting, shown); err != nil {
		return nil, &SourceError{err}
	}
	err = source.db.View(ctx, func(rows database.Conn) error {
		return target.Update(ctx, func(into database.Conn) (err error) {
			moved, err = moveAll(rows, into, key)
			return err
		})
	})
	switch {
	case err == nil:
		if err = source.mark(ctx, movedSetting, shown); err != nil {
			err = &SourceError{err}
		}
	case before == nil && (errors.Is(err, ErrNotEmpty) || errors.Is(err, database.ErrUndone)):
		// Nothing was moved for certain.
		err = errors.Join(err, source.mark(context.WithoutCancel(ctx), "", ""))
	}
	return moved, err
}

// releaseAll makes due whatever processes that are gone had leased.
func (s *Store) releaseAll(ctx context.Context) error {
	return s.Update(ctx, func(tx *Tx) error {
		owners, err := tx.LostNodes("", true)
		if err != nil {
			return err
		}
		strangers, err := tx.LostOwners()
		if err != nil {
			return err
		}
		for _, owner := range append(owners, strangers...) {
			if err := tx.ReleaseNode(owner); err != nil {
				return err
			}
		}
		return nil
	})
}

// keyText returns the master key in the file beside the database.
func (s *Store) keyText() (string, error) {
	file, ok := s.db.(interface{ Path() string })
	if !ok {
		return "", errors.New("the database to move from is in no file")
	}
	path := file.Path() + keySuffix
	key, err := readKeyFile(path)
	return fmt.Sprintf("%x", key), missingKeyFile(path, err)
}

// moveAll copies every table, and keeps the key if there is one.
func moveAll(from, into database.Conn, key string) ([]Moved, error) {
	tables, err := tablesToMove(from)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if n, err := rowsIn(into, t.name); err != nil {
			return nil, err
		} else if n > 0 {
			return nil, fmt.Errorf("%w (its table %s has %d rows)", ErrNotEmpty, t.name, n)
		}
	}
	var moved []Moved
	for _, t := range tables {
		n, shortened, err := t.move(from, into)
		if err != nil {
			return nil, fmt.Errorf("move the table %s: %w", t.name, err)
		}
		moved = append(moved, Moved{t.name, n, shortened})
	}
	if err := unmark(into); err != nil {
		return nil, err
	}
	if key != "" {
		_, err = into.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2)`, masterKeySetting, key)
	}
	return moved, err
}

// table is a table to move, with its columns and their types as they were
// declared.
type table struct {
	name           string
	columns, types []string
}

// tablesToMove returns the tables in the order they were made, so that each comes
// after those it refers to.
func tablesToMove(c database.Conn) ([]table, error) {
	names, err := stringsOf(c, `
		SELECT name FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema_versions' ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	var tables []table
	for _, name := range names {
		t := table{name: name}
		if t.columns, err = stringsOf(c, `SELECT name FROM pragma_table_info($1) ORDER BY cid`, name); err != nil {
			return nil, err
		}
		if t.types, err = stringsOf(c, `SELECT type FROM pragma_table_info($1) ORDER BY cid`, name); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// movedTogether is how many rows are sent in one go.
const movedTogether = 500

// move copies the rows of a table, and returns how many there are on both sides, and
// how many texts of them were shortened.
func (t table) move(from, into database.Conn) (n, shortened int, err error) {
	columns := strings.Join(t.columns, ", ")
	parameters := make([]string, len(t.columns))
	for i := range parameters {
		parameters[i] = fmt.Sprintf("$%d", i+1)
	}
	insert := `INSERT INTO ` + t.name + ` (` + columns + `) VALUES (` + strings.Join(parameters, ", ") + `)`
	rows, err := from.Query(`SELECT ` + columns + ` FROM ` + t.name + ` ORDER BY rowid`)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		values, err := t.scan(rows)
		if err != nil {
			return n, shortened, err
		}
		shortened += t.shorten(values)
		if n%movedTogether == movedTogether-1 {
			_, err = into.Exec(insert, values...)
		} else {
			err = into.Queue(insert, values, nil)
		}
		if err != nil {
			return n, shortened, err
		}
	}
	if err := rows.Err(); err != nil {
		return n, shortened, err
	}
	arrived, err := rowsIn(into, t.name)
	if err == nil && arrived != n {
		err = fmt.Errorf("%d of %d rows arrived", arrived, n)
	}
	return n, shortened, err
}

// scan returns the values of a row as arguments of a statement.
func (t table) scan(rows database.Rows) ([]any, error) {
	values := make([]any, len(t.types))
	for i, declared := range t.types {
		switch declared {
		case "TEXT":
			values[i] = new(*string)
		case "BIGINT", "INTEGER":
			values[i] = new(*int64)
		case "BOOLEAN":
			values[i] = new(*bool)
		case "BYTEA":
			values[i] = new([]byte)
		default:
			return nil, fmt.Errorf("column %s is declared as %s, which this program cannot move", t.columns[i], declared)
		}
	}
	if err := rows.Scan(values...); err != nil {
		return nil, err
	}
	for i, value := range values {
		switch value := value.(type) {
		case **string:
			if values[i] = nil; *value != nil {
				values[i] = **value
			}
		case **int64:
			values[i] = *value
		case **bool:
			values[i] = *value
		case *[]byte:
			values[i] = *value
		}
	}
	return values, nil
}

func rowsIn(c database.Conn, table string) (n int, err error) {
	_, err = database.First(c, `SELECT COUNT(*) FROM `+table, nil, &n)
	return n, err
}

func stringsOf(c database.Conn, query string, args ...any) (all []string, err error) {
	return collect(&Tx{conn: c}, query, args, scanString)
}
