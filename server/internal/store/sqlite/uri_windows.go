package sqlite

import "path/filepath"

// uriPath is a file's path as SQLite wants it in a URI: /C:/folder/file.
func uriPath(path string) string { return "/" + filepath.ToSlash(path) }
