package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// declared are the names that fragments of Go use without saying where they come
// from.
const declared = `
type Order struct{ ID string }
type Receipt struct{ Charge string }

var (
	ctx     context.Context
	c       *client.Client
	cursor  string
)

func store(id string, status protocol.RunStatus, output Receipt) error { return nil }
func handle(item *client.FeedItem) {}
`

// libraries are what a fragment may import, by the names of the packages.
var libraries = map[string]string{
	"context": "context", "os": "os", "http": "net/http", "log": "log", "time": "time",
	"runhook":  "github.com/runhook/runhook",
	"client":   "github.com/runhook/runhook/client",
	"protocol": "github.com/runhook/runhook/protocol",
	"receiver": "github.com/runhook/runhook/receiver",
	"filter":   "github.com/runhook/runhook/filter",
}

var assigned = regexp.MustCompile(`(?m)^([a-z]\w*(?:, [a-z]\w*)*) := `)

// compile compiles a part of a Go program.
func compile(t *testing.T, b block) {
	t.Helper()
	code := declared + "\nfunc _() error {\n" + b.text
	for _, names := range assigned.FindAllStringSubmatch(b.text, -1) {
		code += "\t_" + strings.Repeat(", _", strings.Count(names[1], ",")) + " = " + names[1] + "\n"
	}
	code += "\treturn nil\n}\n"
	imports := ""
	for name, path := range libraries {
		if strings.Contains(code, name+".") {
			imports += "import " + name + " \"" + path + "\"\n"
		}
	}
	file := filepath.Join(t.TempDir(), "fragment.go")
	if err := os.WriteFile(file, []byte("package fragment\n"+imports+code), 0o600); err != nil {
		t.Fatal(err)
	}
	building := exec.Command("go", "build", file)
	building.Dir = checkout
	if text, err := building.CombinedOutput(); err != nil {
		t.Errorf("line %d: it does not compile: %s\n%s", b.line, text, code)
	}
}

// execute runs SQL on both engines: a migration on the tables of the server, other
// statements twice, the second of which must change nothing.
func execute(t *testing.T, b block) {
	t.Helper()
	file, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	server, err := postgres.Open(t.Context(), testpostgres.URL(t), postgres.Options{Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, db := range []database.DB{file, server} {
		if strings.Contains(b.text, "ALTER TABLE") {
			err = migrate(t, db, b.text)
		} else {
			err = twice(t, db, b)
		}
		if err != nil {
			t.Errorf("line %d, on %s: %v", b.line, db.Dialect().Name, err)
		}
	}
}

func migrate(t *testing.T, db database.DB, text string) error {
	if err := migrations.Run(t.Context(), db); err != nil {
		return err
	}
	return migrations.RunFiles(t.Context(), db, fstest.MapFS{"99999_documented.sql": {Data: []byte(text)}})
}

func twice(t *testing.T, db database.DB, b block) error {
	return db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec(`CREATE TABLE IF NOT EXISTS handled_webhooks (id TEXT PRIMARY KEY)`); err != nil {
			return err
		}
		for _, want := range []int64{1, 0} {
			changed, err := c.Exec(b.text, "ntf_1")
			if err != nil {
				return err
			}
			if changed != want {
				t.Errorf("line %d, on %s: it changes %d rows, want %d", b.line, db.Dialect().Name, changed, want)
			}
		}
		return nil
	})
}
