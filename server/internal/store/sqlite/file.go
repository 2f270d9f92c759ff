package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/runhook/runhook/server/internal/store/database"
)

// prepareFile makes the folder of path and returns the file's one true path, so
// that two names for one file lead to one lock.
func prepareFile(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make its folder: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// createFile makes an empty file that only its owner can read, if there is none.
// A file that is there is not opened: closing a descriptor of a live database
// would drop the locks SQLite holds on it.
func createFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// fileLock is held on a file beside the database for as long as it is open.
type fileLock struct {
	file *os.File
}

// lockFile takes the lock of the database at path, or fails with
// [database.ErrInUse].
func lockFile(path string) (*fileLock, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := tryLock(file)
	if err == nil && taken {
		return &fileLock{file}, nil
	}
	file.Close()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil, fmt.Errorf("%w: stop that process, or give this one a database of its own", database.ErrInUse)
}

// release lets others take the lock. The file stays: removing it would let two
// processes hold a lock each, one on the old file and one on the new.
func (l *fileLock) release() error { return l.file.Close() }
