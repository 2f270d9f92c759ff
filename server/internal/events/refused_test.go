package events_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// aside is an event as the API lists those that were set aside.
type aside struct {
	ID       string
	SetAside *struct {
		At    protocol.Time
		Error string
	}
}

func setAside(s *harness.Server) []aside {
	var page struct{ Events []aside }
	s.Development().OK("GET", "/api/runhook/v1/events?setAside=true", nil, &page)
	return page.Events
}

func TestAnEventThatCannotBeDeliveredIsSetAsideAndCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		if database == harness.Memory {
			database = "sqlite:" + t.TempDir() + "/runhook.db"
		}
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewUnregisteredApp(t, s)
		index(t, s, app, listener("job", "1.0.0", on("refused")), listener("other", "1.0.0", on("fine")))
		s.Stop()
		stop := harness.Refuse(t, s.Database, "events", "NEW.name = 'refused' AND NEW.delivered_at IS NOT NULL")
		s = harness.Start(t, harness.Options{Database: database, Clock: s.Clock})
		app = app.Move(s)
		send(s, object{"name": "refused", "id": "r"}, object{"deliverAfter": 60})
		send(s, object{"name": "fine", "id": "f"}, object{"deliverAfter": 60})
		s.Clock.Advance(time.Minute)
		wantRuns(t, s, "f", 1)
		s.Wait("the event to be set aside", func() bool {
			s.Clock.Advance(5 * time.Minute)
			return len(setAside(s)) == 1
		})
		if got := setAside(s)[0]; got.ID != "r" || got.SetAside.Error == "" || got.SetAside.At.IsZero() {
			t.Errorf("set aside is %+v", got)
		}
		var checkup struct{ Problems, SetAside int }
		s.Development().OK("GET", "/api/runhook/v1/doctor", nil, &checkup)
		if checkup.SetAside != 1 || checkup.Problems != 0 {
			t.Errorf("the check of the database says %+v", checkup)
		}
		s.Stop()
		stop()
		s = harness.Start(t, harness.Options{Database: database, Clock: s.Clock})
		app.Move(s)
		s.Development().OK("POST", "/api/runhook/v1/events/r/retry", nil, nil)
		wantRuns(t, s, "r", 1)
		if answer := s.Development().Do("POST", "/api/runhook/v1/events/r/retry", nil); answer.Status != 409 || len(setAside(s)) != 0 {
			t.Errorf("after it was delivered: %d %s, %+v", answer.Status, answer.Body, setAside(s))
		}
	})
}
