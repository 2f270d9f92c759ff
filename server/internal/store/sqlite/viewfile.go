package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/runhook/runhook/server/internal/store/database"
)

// ViewFile runs fn in a read-only transaction on a database that another process
// may have open. It makes and changes nothing; a file that is not there gives
// [database.ErrNoDatabase].
func ViewFile(ctx context.Context, path string, fn func(database.Conn) error) (err error) {
	// Only asks whether it is there: opening and closing a database file would
	// drop the locks of this process on it.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", database.ErrNoDatabase, err)
	} else if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	if err := checkLogUnlessInUse(path); err != nil {
		return err
	}
	db := &DB{path: path, readers: newReaders(path, 1)}
	defer func() { err = errors.Join(err, db.readers.close()) }()
	return db.View(ctx, fn)
}
