package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheDoctorOfAServerSaysWhetherItsDatabaseFileIsWhole(t *testing.T) {
	t.Parallel()
	type checkup struct {
		File *struct {
			Status    string
			CheckedAt *time.Time
		}
		Failing []string
	}
	path := filepath.Join(t.TempDir(), "runhook.db")
	options := harness.Options{Database: "sqlite:" + path, Clock: harness.NewClock()}
	// start serves the file until it was checked.
	start := func(want string) (*harness.Server, checkup) {
		s := harness.Start(t, options)
		var answer checkup
		s.Development().OK("GET", "/api/runhook/v1/doctor", nil, &answer)
		if answer.File == nil || answer.File.Status != "unchecked" || answer.File.CheckedAt != nil || len(answer.Failing) > 0 {
			t.Errorf("before the check it is %+v", answer)
		}
		s.Wait("the check of the file", func() bool {
			s.Clock.Advance(5 * time.Second)
			s.Development().OK("GET", "/api/runhook/v1/doctor", nil, &answer)
			return answer.File.Status == want && answer.File.CheckedAt != nil
		})
		return s, answer
	}
	s, answer := start("whole")
	if len(answer.Failing) > 0 {
		t.Errorf("a whole file: %+v", answer)
	}
	s.Stop()
	damage(t, path, "key_values")
	s, answer = start("damaged")
	if len(answer.Failing) != 1 || answer.Failing[0] != "database file" {
		t.Errorf("a damaged file: %+v", answer)
	}
	if ready := s.As("").Do("GET", "/readyz", nil); ready.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz is answered %d", ready.Status)
	}
}

// damage overwrites the first page of a table in a database that no server has open.
func damage(t *testing.T, path, table string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var page int64
	if err := handle.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&page); err != nil {
		t.Fatal(err)
	}
	handle.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const size = 4096
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = 0xee
	}
	if _, err := file.WriteAt(garbage, (page-1)*size); err != nil {
		t.Fatal(err)
	}
}
