package store

import "github.com/runhook/runhook/server/internal/store/database"

// Database returns the database below a store.
func Database(s *Store) database.DB { return s.db }

// WrapDatabase puts what wrap returns between a store and its database.
func WrapDatabase(s *Store, wrap func(database.DB) database.DB) { s.db = wrap(s.db) }

// Seal encrypts a secret as a store with the master key does.
func Seal(masterKey []byte, secret, place string) string {
	box, err := newBox(masterKey)
	if err != nil {
		panic(err)
	}
	return box.seal(secret, place)
}

// ShortenedTexts returns the columns whose texts are shortened as they are moved to
// PostgreSQL, as table.column, with the bytes that are left of each.
func ShortenedTexts() map[string]int {
	columns := map[string]int{}
	for column, limit := range indexed {
		columns[column] = limit.Bytes
	}
	return columns
}
