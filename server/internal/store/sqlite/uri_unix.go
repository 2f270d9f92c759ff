//go:build !windows

package sqlite

// uriPath is a file's path as SQLite wants it in a URI.
func uriPath(path string) string { return path }
