package store

import "context"

// Size is how much room a database takes on its disk.
type Size struct {
	// Bytes is the size of the database, Reusable how much of it was freed and will
	// be used again; PostgreSQL does not report the latter, and it is 0 there.
	Bytes, Reusable int64
}

// Size returns how much room the database takes.
func (s *Store) Size(ctx context.Context) (size Size, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		if tx.conn.Dialect().Name == "postgres" {
			bytes, err := tx.count(`SELECT pg_database_size(current_database())`)
			size.Bytes = int64(bytes)
			return err
		}
		page, err := tx.count(`SELECT page_size FROM pragma_page_size`)
		if err != nil {
			return err
		}
		pages, err := tx.count(`SELECT page_count FROM pragma_page_count`)
		if err != nil {
			return err
		}
		free, err := tx.count(`SELECT freelist_count FROM pragma_freelist_count`)
		size = Size{Bytes: int64(pages) * int64(page), Reusable: int64(free) * int64(page)}
		return err
	})
	return size, err
}
