package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Latest returns the number of the last migration of this program: the version of
// a database that it has brought up to date.
func Latest() int {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("the embedded migrations cannot be listed: %v", err))
	}
	number, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		panic(err) // a test runs them all
	}
	return int(number)
}

// Sum identifies what the migrations do: databases that others of this sum have made
// have the same tables.
func Sum() string {
	names, err := fs.Glob(files, "*.sql")
	sum := sha256.New()
	for _, name := range names {
		var text []byte
		if text, err = fs.ReadFile(files, name); err != nil {
			break
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	if err != nil {
		panic(fmt.Sprintf("the embedded migrations cannot be read: %v", err))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
