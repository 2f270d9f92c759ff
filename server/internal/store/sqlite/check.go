package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Check reads the whole database and fails with [database.ErrDamaged] if its pages do
// not fit together. It takes as long as the disk needs to read the file, beside other
// transactions; it ends when ctx does.
func (db *DB) Check(ctx context.Context) error {
	err := db.View(ctx, quickCheck)
	if err != nil {
		return fmt.Errorf("check the database %s: %w", db.path, err)
	}
	return nil
}

// CheckFile is [DB.Check] for a database that another process may have open.
func CheckFile(ctx context.Context, path string) error {
	if err := ViewFile(ctx, path, quickCheck); err != nil {
		return fmt.Errorf("check the database %s: %w", path, err)
	}
	return nil
}

// recovery says what to do about a damaged file.
const recovery = "Stop the server, and copy the file and its -wal file elsewhere. Then restore a backup: runhook restore --from BACKUP --db sqlite:NEW. " +
	"Without one, sqlite3 FILE .recover saves what can be read. See docs/operating.md"

// quickCheck has SQLite look at every page, in a transaction.
func quickCheck(c database.Conn) error {
	const most = 5 // problems
	rows, err := c.Query(fmt.Sprintf("PRAGMA quick_check(%d)", most))
	if err != nil {
		return err
	}
	defer rows.Close()
	var problems []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			problems = append(problems, strings.Join(strings.Fields(text), " "))
		}
	}
	if len(problems) > 0 {
		return &database.DamageError{Found: strings.Join(problems, "; "), Recovery: recovery}
	}
	return rows.Err()
}
