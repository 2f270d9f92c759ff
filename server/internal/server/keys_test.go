package server_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
)

func TestAConfiguredKeyThatReplacesOneIsSaidInTheLog(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	for _, start := range []struct {
		key  string
		says bool
	}{{"tr_dev_first0123456789abcdef", false}, {"tr_dev_second0123456789abcde", true}, {"tr_dev_second0123456789abcde", false}} {
		log := &lines{}
		s, err := server.Open(t.Context(), server.Config{
			Address: "127.0.0.1:0", Database: database, Log: slog.New(slog.NewTextHandler(log, nil)),
			APIKeys: map[protocol.EnvironmentType]string{protocol.Development: start.key},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		said := strings.Join(log.take(), "\n")
		if strings.Contains(said, "replaced the secret API key") != start.says || start.says && !strings.Contains(said, "environment=DEVELOPMENT") || strings.Contains(said, "tr_dev") {
			t.Errorf("with %s it says %s", start.key, said)
		}
	}
}
