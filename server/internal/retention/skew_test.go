package retention_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/retention"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/worker"
)

func TestWhatIsOldIsSoByTheClockThatServersShare(t *testing.T) {
	t.Parallel()
	own, shared := harness.NewClock(), harness.NewClock()
	s, err := store.Open(t.Context(), store.Options{URL: harness.Memory, Clock: own, SharedClock: shared})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log, monitor := slog.New(slog.DiscardHandler), health.New(health.Config{Clock: own})
	n, err := worker.Register(t.Context(), worker.Config{Store: s, Clock: own, Health: monitor, Log: log, OnReleased: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	var production *model.Environment
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		err := tx.CreateProject(model.Organization{ID: "org_1", Slug: "a"}, model.Project{ID: "proj_1", Slug: "a"}, []store.NewEnvironment{
			{Slug: "prod", Type: protocol.Production, APIKey: "tr_prod_1", PublicKey: "pk_prod_1"},
		})
		if err != nil {
			return err
		}
		all, err := tx.Environments()
		if err != nil {
			return err
		}
		production = all[0]
		_, err = tx.InsertEvent(model.Event{
			ID: model.NewID(model.PrefixEvent, own.Now()), EventID: "event", EnvironmentID: production.ID, Name: "no.listener",
			Payload: []byte("{}"), Context: []byte("{}"), DeliveredAt: own.Now(),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	service := retention.New(retention.Config{
		Store: s, Node: n, Clock: own, Health: monitor, Log: log, Runs: retention.Ages{protocol.Production: 24 * time.Hour},
	})
	sweep := func(want int) {
		t.Helper()
		var removed retention.Removed
		swept := make(chan error, 1)
		go func() {
			var err error
			removed, err = service.Sweep(t.Context())
			swept <- err
		}()
		harness.WaitFor(t, "the sweep to end", func() bool {
			own.Poke()
			select {
			case err := <-swept:
				return err == nil
			default:
				return false
			}
		})
		if removed.Events != want {
			t.Errorf("%d events were removed, want %d", removed.Events, want)
		}
	}
	own.Advance(48 * time.Hour)
	sweep(0)
	shared.Advance(25 * time.Hour)
	sweep(1)
}
