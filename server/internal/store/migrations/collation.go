package migrations

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
)

// inByteOrder is the migrations as PostgreSQL gets them: every column of text
// compares by its bytes, whatever the language of the database. So it is on
// SQLite, and so the order of ids, pages and cursors needs it.
type inByteOrder struct{ files fs.FS }

var textType = regexp.MustCompile(`\bTEXT\b`)

// Open implements fs.FS.
func (m inByteOrder) Open(name string) (fs.File, error) {
	file, err := m.files.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return rewritten{file, bytes.NewReader(textType.ReplaceAll(content, []byte(`TEXT COLLATE "C"`)))}, nil
}

// rewritten is a file with other content.
type rewritten struct {
	fs.File
	content *bytes.Reader
}

// Read implements fs.File.
func (r rewritten) Read(p []byte) (int, error) { return r.content.Read(p) }
