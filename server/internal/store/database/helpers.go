package database

import (
	"errors"
	"fmt"
	"strings"
)

// First scans the first row of a query into dest and reports whether there was
// one.
func First(c Conn, query string, args []any, dest ...any) (bool, error) {
	rows, err := c.Query(query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	return true, nil
}

// CheckMessage says what is wrong with a message for Notify, if anything.
func CheckMessage(message string) error {
	if message == "" {
		return errors.New("notify: the message is empty")
	}
	if len(message) > MaximumMessage {
		return fmt.Errorf("notify: the message has %d bytes, more than the %d that fit", len(message), MaximumMessage)
	}
	return nil
}

// Summary shortens a statement for an error message: its first words on one line.
func Summary(query string) string {
	const longest = 80
	line := strings.Join(strings.Fields(query), " ")
	if len(line) > longest {
		line = line[:longest] + "..."
	}
	return line
}
