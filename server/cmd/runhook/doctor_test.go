package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheDoctorFindsNothingWhileAServerWorks(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		_, s := serving(t, database)
		app := harness.NewApp(t, s)
		done := harness.NewReceiver(t, s)
		id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, harness.Always(harness.Success("1")))
		done.WaitFor(1)
		s.Development().WaitRun(id, protocol.RunSuccess)
		if out, problems, status := invoked(t, "doctor", "--db", database); status != succeeded || !strings.Contains(out, "as it should be") {
			t.Errorf("exits with %d: %s%s", status, out, problems)
		}
		var checkup struct{ Problems, Rounds int }
		s.Development().OK("GET", "/api/runhook/v1/doctor", nil, &checkup)
		if checkup.Problems != 0 {
			t.Errorf("the server found %d problems", checkup.Problems)
		}
	})
}

func TestTheDoctorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		s, err := store.Open(t.Context(), store.Options{URL: database, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		err = s.Update(t.Context(), func(tx *store.Tx) error {
			due := model.Event{ID: "event_1", EnvironmentID: "env_1", EventID: "mine", Name: "name", Payload: []byte("{}"), Context: []byte("{}")}
			if _, err := tx.InsertDueEvent(due, tx.Now()); err != nil {
				return err
			}
			claimed, _, err := tx.ClaimEvents("process", 1)
			if err != nil {
				return err
			}
			if err := tx.FailDelivery(claimed[0], "it is refused", time.Time{}); err != nil {
				return err
			}
			return tx.InsertRun(model.Run{ID: "run_lost", EnvironmentID: "env_1", EventID: "event_none", Status: protocol.RunWaitingToContinue})
		})
		if err != nil {
			t.Fatal(err)
		}
		out, problems, status := invoked(t, "doctor", "--db", database)
		for _, want := range []string{"runs run_lost: waits for a task", "runs run_lost: belongs to an event that does not exist", "2 rows",
			"events mine (env_1): was set aside at ", "it is refused. Once the cause is fixed, POST /api/runhook/v1/events/mine/retry"} {
			if status != failed || !strings.Contains(out, want) {
				t.Errorf("exits with %d, without %q: %s%s", status, want, out, problems)
			}
		}
	})
}

func TestTheDoctorRefusesWhatIsNoDatabaseOfRunhook(t *testing.T) {
	t.Parallel()
	missing := "sqlite:" + filepath.Join(t.TempDir(), "none.db")
	if _, problems, status := invoked(t, "doctor", "--db", missing); status != failed || !strings.Contains(problems, "none.db") {
		t.Errorf("exits with %d: %s", status, problems)
	}
}
