package server_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestAServerWaitsAtItsStartForADatabaseThatDoesNotAnswerYet(t *testing.T) {
	t.Parallel()
	postgres := testpostgres.Start(t)
	postgres.Stop(t)
	waiting, opened := make(chan struct{}, 100), make(chan error, 1)
	log := slog.New(slog.NewTextHandler(writer(func(line string) {
		if strings.Contains(line, "waiting for it") {
			waiting <- struct{}{}
		}
	}), nil))
	go func() {
		s, err := server.Open(t.Context(), server.Config{Address: "127.0.0.1:0", Database: postgres.URL(), Log: log, DatabaseWait: 5 * time.Minute})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	<-waiting
	postgres.Restart(t)
	if err := <-opened; err != nil {
		t.Errorf("once the database answers: %v", err)
	}
	_, err := server.Open(t.Context(), server.Config{Address: "127.0.0.1:0", Database: postgres.URL() + "&dbname=none", DatabaseWait: 5 * time.Minute})
	if err == nil {
		t.Error("a database that is not there was waited for and opened")
	}
}

// writer is called with what is written.
type writer func(text string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}
