package testpostgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// This test is not parallel: a process forked by another test while a script is
// being written would make running the script fail with "text file busy".
func TestProgramsAreFound(t *testing.T) {
	tests := []struct {
		name     string
		versions []string // of the programs in each folder; empty for a folder without
		want     int      // index of the folder, if err is empty
		err      string
	}{
		{name: "none installed names the command to run", versions: []string{""}, err: "make test"},
		{name: "one that is too old is named", versions: []string{"14.9"}, err: "version 14"},
		{name: "the first that is recent enough wins", versions: []string{"", "9.6.24", "15.2", "17.0"}, want: 2},
		{name: "a test release counts", versions: []string{"19beta1"}, want: 0},
		{name: "an unreadable version is an error", versions: []string{"new"}, err: "cannot read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var folders []string
			for _, version := range test.versions {
				folders = append(folders, folderWithPrograms(t, version))
			}
			found, err := findPrograms(folders)
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
			case err != nil:
				t.Fatal(err)
			case filepath.Dir(found.pgctl) != folders[test.want]:
				t.Errorf("found %s, want it in %s", found.pgctl, folders[test.want])
			}
		})
	}
}

func folderWithPrograms(t *testing.T, version string) string {
	t.Helper()
	folder := t.TempDir()
	if version == "" {
		return folder
	}
	for _, name := range []string{"initdb", "pg_ctl"} {
		script := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
