package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CopyFile writes a copy of the database at from, as it is at one moment, to a new
// file that only its owner can read. Another process may have the database open
// and write to it meanwhile. The copy is on disk, whole, before it has its name; a
// name that is taken gives an error that is fs.ErrExist, a database that is not
// there one that is fs.ErrNotExist.
func CopyFile(from, to string) (err error) {
	// Only asks whether they are there: opening and closing a database file would
	// drop the locks of this process on it.
	if _, err := os.Stat(from); err != nil {
		return err
	}
	if err := CheckFile(context.Background(), from); err != nil {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&fs.PathError{Op: "make", Path: to, Err: fs.ErrExist}, err)
	}
	// In a folder of its own, so that no other user can read it and what is left of
	// a copy that failed is easily recognised.
	folder, err := os.MkdirTemp(filepath.Dir(to), filepath.Base(to)+".unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	unfinished := filepath.Join(folder, "copy.db")
	if err := vacuumInto(from, unfinished); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	if err := syncFile(unfinished); err != nil {
		return err
	}
	if err := os.Link(unfinished, to); err != nil { // unlike Rename, never replaces
		return err
	}
	return syncFile(filepath.Dir(to))
}

func vacuumInto(from, to string) (err error) {
	c, err := connect(from, []string{"PRAGMA busy_timeout = 5000"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.exec("VACUUM INTO $1", to); err != nil {
		return err
	}
	return os.Chmod(to, 0o600)
}

// syncFile has a file, or the names in a folder, on disk before it returns.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
