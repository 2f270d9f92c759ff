package schedules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestATickThatCannotBeStartedIsSetAsideAndTheScheduleTicksOn(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		if database == harness.Memory {
			database = "sqlite:" + t.TempDir() + "/runhook.db"
		}
		s := start(t, database, nil)
		app := harness.NewUnregisteredApp(t, s)
		// Far longer than all tries take, as nothing says when one has been made.
		const week = 7 * 24
		index(t, production(s), app, []string{job("job", scheduled(interval(week*3600)))}, nil)
		schedule := only(t, production(s), "job")
		missed := schedule.NextTick.Time
		next := missed.Add(week * hour)
		s.Stop()
		stop := harness.Refuse(t, database, "events", fmt.Sprintf("NEW.event_id = '%s:%d'", schedule.ID, missed.UnixMilli()))
		s = start(t, database, s.Clock)
		app = app.Move(s)
		s.Clock.AdvanceTo(missed)
		type aside struct {
			SetAside *struct {
				Error string
				Tick  protocol.Time
			}
		}
		setAside := func() aside {
			var page struct{ Schedules []aside }
			production(s).OK("GET", "/api/runhook/v1/schedules", nil, &page)
			return page.Schedules[0]
		}
		s.Wait("the tick to be set aside", func() bool {
			s.Clock.Advance(5 * minute)
			return setAside().SetAside != nil
		})
		if got := setAside().SetAside; got.Error == "" || !got.Tick.Equal(missed) {
			t.Errorf("set aside is %+v", got)
		}
		var checkup struct{ Problems, SetAside int }
		production(s).OK("GET", "/api/runhook/v1/doctor", nil, &checkup)
		if checkup.SetAside != 1 || checkup.Problems != 0 {
			t.Errorf("the check of the database says %+v", checkup)
		}
		wantNext(t, only(t, production(s), "job"), next)
		s.Clock.AdvanceTo(next)
		ticked(t, s, production(s), app, schedule, next)
		if setAside().SetAside == nil {
			t.Error("the next tick hides the one that was missed")
		}
		s.Stop()
		stop()
		s = start(t, database, s.Clock)
		app = app.Move(s)
		wantTicks(t, production(s), schedule, map[time.Time]bool{missed: false})
		production(s).OK("POST", "/api/runhook/v1/schedules/"+schedule.ID+"/retry", nil, nil)
		ticked(t, s, production(s), app, schedule, missed)
		if answer := production(s).Do("POST", "/api/runhook/v1/schedules/"+schedule.ID+"/dismiss", nil); answer.Status != 404 || setAside().SetAside != nil {
			t.Errorf("after a retry: %d %s, %+v", answer.Status, answer.Body, setAside())
		}
	})
}
