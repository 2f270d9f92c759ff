// Command schema writes the documents that describe the completion webhook, and
// the server's own API, to programs in other languages: docs/run-notification.schema.json (JSON Schema
// 2020-12) and docs/openapi.json (OpenAPI 3.1).
//
// The webhook is described from [protocol.RunNotification] alone: the properties
// and their order from its fields, the descriptions from its comments, the
// enumerations from the constants of its types. The server's own API is described
// here, operation by operation; a test of the server compares that with its routes
// and with what it answers. A test fails while the files in docs/ are not what this
// command would write.
//
// Run it with go generate ./... or go run ./internal/schema.
package main

//go:generate go run .

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	documents, err := generate(root)
	if err != nil {
		return err
	}
	for _, document := range documents {
		if err := os.WriteFile(filepath.Join(root, document.path), document.text, 0o644); err != nil {
			return fmt.Errorf("write a generated document: %w", err)
		}
	}
	return nil
}

// findRoot returns the nearest folder above the working directory that holds
// the protocol package.
func findRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "protocol", "notification.go")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder above %s holds protocol/notification.go: run this inside the repository", start)
		}
	}
}
