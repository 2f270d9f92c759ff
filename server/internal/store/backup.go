package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// errNotAFile says that only SQLite databases are copied by Copy.
var errNotAFile = errors.New("only a SQLite database is copied this way: for PostgreSQL use its own tools, such as pg_dump")

// Copy writes a copy of a SQLite database, which servers may have open, to a new
// file; and of its key file, if it has one, to a new file beside that. Both URLs
// are sqlite:PATH. The database must have the tables that this program knows, and
// neither file may be there already. The copy of a database that
// was moved, which from.EvenMoved allows, is not marked as such.
func Copy(ctx context.Context, from, to Options) error {
	source, isFile := strings.CutPrefix(from.URL, "sqlite:")
	target, alsoFile := strings.CutPrefix(to.URL, "sqlite:")
	if !isFile || !alsoFile || source == sqlite.Memory || target == sqlite.Memory {
		return errNotAFile
	}
	if err := Inspect(ctx, from, func(*Tx) error { return nil }); err != nil {
		return err
	}
	key, err := os.ReadFile(source + keySuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy the encryption key: %w", err)
	}
	hasKey := err == nil
	if hasKey {
		if err := writeNew(target+keySuffix, key); err != nil {
			return fmt.Errorf("copy the encryption key: %w", err)
		}
	}
	err = sqlite.CopyFile(source, target)
	if err == nil && from.EvenMoved {
		err = unmarkFile(ctx, target)
	}
	if err != nil && hasKey {
		err = errors.Join(err, os.Remove(target+keySuffix))
	}
	return err
}

// writeNew writes a file that only its owner can read and that was not there. If that
// fails, nothing is left of it.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(content); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
