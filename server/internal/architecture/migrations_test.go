package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	migrationName = regexp.MustCompile(`^(\d{5})_[a-z_]+\.sql$`)
	// lowerType is a column's type that migrate-db does not know: see package
	// migrations.
	lowerType = regexp.MustCompile(`(?i:ADD COLUMN)\s+\w+\s+[a-z]`)
)

func TestMigrationsHaveNumbersOfTheirOwnAndTypesInCapitals(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "store", "migrations")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	numbered := map[string]string{}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".sql" {
			continue
		}
		match := migrationName.FindStringSubmatch(entry.Name())
		if match == nil {
			t.Errorf("%s is not named like 00042_what_it_does.sql", entry.Name())
			continue
		}
		if other, taken := numbered[match[1]]; taken {
			t.Errorf("%s and %s have the same number: give the newer one the next", other, entry.Name())
		}
		numbered[match[1]] = entry.Name()
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if column := lowerType.Find(text); column != nil {
			t.Errorf("%s: write types in capitals, not %q", entry.Name(), column)
		}
	}
}
