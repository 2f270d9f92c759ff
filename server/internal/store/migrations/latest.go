package migrations

import (
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
