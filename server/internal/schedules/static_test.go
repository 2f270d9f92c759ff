package schedules_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// The clock of a server starts at 10:00:00 on a Sunday.
const second, minute, hour = time.Second, time.Minute, time.Hour

func TestAStaticScheduleTicksWhenItIsDue(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, nil)
		client, app := production(s), harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		every := scheduled(object{"type": "interval", "options": object{"seconds": 60}, "metadata": object{"of": "<us>"}, "accountId": "customer"})
		index(t, client, app, []string{job("interval", every), job("cron", scheduled(cron("30 */5 * * * *")))}, nil)
		byInterval, byCron := only(t, client, "interval"), only(t, client, "cron")
		wantNext(t, byInterval, began.Add(minute))
		wantNext(t, byCron, began.Add(30*second))
		if byInterval.Endpoint != "app" || byInterval.AccountID != "customer" || !byInterval.Active || byInterval.LastTick != nil {
			t.Errorf("the list has %+v", byInterval)
		}

		s.Clock.Advance(minute)
		first := ticked(t, s, client, app, byInterval, began.Add(minute))[0].Body
		if payload := string(first.Event.Payload); payload != `{"ts":"2026-03-01T10:01:00.000Z"}` {
			t.Errorf("the first payload is %s", payload)
		}
		// The id is that of the job in the database, which is shown nowhere else.
		var source struct {
			ID       string
			Metadata map[string]string
		}
		decode(t, first.Source, &source)
		if source.ID != first.Job.ID && len(source.ID) < 10 || source.Metadata["of"] != "<us>" {
			t.Errorf("the source is %s", first.Source)
		}
		if first.Event.Name != "dev.trigger.scheduled" || string(first.Event.Context) != "{}" || first.Account == nil || first.Account.ID != "customer" || first.Run.IsTest {
			t.Errorf("the execution is %+v", first)
		}
		if cronTick := ticked(t, s, client, app, byCron, began.Add(30*second))[0].Body; cronTick.Account != nil {
			t.Errorf("the other has account %+v", cronTick.Account)
		}

		s.Clock.AdvanceTo(began.Add(2 * minute))
		next := ticked(t, s, client, app, byInterval, began.Add(2*minute))[0].Body
		if payload := string(next.Event.Payload); payload != `{"ts":"2026-03-01T10:02:00.000Z","lastTimestamp":"2026-03-01T10:01:00.000Z"}` {
			t.Errorf("the second payload is %s", payload)
		}
	})
}

func TestMissedTicksAreSkipped(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, nil)
		client, app := production(s), harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		index(t, client, app, []string{job("job", scheduled(interval(60)))}, nil)
		schedule := only(t, client, "job")
		s.Clock.Advance(10*minute + 30*second)
		ticked(t, s, client, app, schedule, began.Add(minute))
		wantNext(t, settled(t, s, client, "job", began.Add(minute)), began.Add(11*minute))
		s.Clock.Advance(30 * second)
		late := ticked(t, s, client, app, schedule, began.Add(11*minute))[0].Body
		if payload := string(late.Event.Payload); payload != `{"ts":"2026-03-01T10:11:00.000Z","lastTimestamp":"2026-03-01T10:01:00.000Z"}` {
			t.Errorf("the payload is %s", payload)
		}
		wantTicks(t, client, schedule, map[time.Time]bool{began.Add(2 * minute): false, began.Add(10 * minute): false})
	})
}

func TestIndexingMovesATickOnlyIfTheScheduleIsAnother(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	began := s.Clock.Now()
	again := func(schedule object) listed {
		index(t, client, app, []string{job("job", scheduled(schedule))}, nil)
		return only(t, client, "job")
	}
	first := again(interval(600))
	s.Clock.Advance(5 * minute)
	wantNext(t, again(interval(600)), began.Add(10*minute))
	wantNext(t, again(interval(3600)), began.Add(hour))
	wantNext(t, again(cron("0 12 * * *")), began.Add(2*hour))
	last := again(interval(420))
	wantNext(t, last, began.Add(7*minute))
	if last.ID != first.ID {
		t.Errorf("the schedule is %s now, and was %s", last.ID, first.ID)
	}
	s.Clock.Advance(2 * minute)
	ticked(t, s, client, app, last, began.Add(7*minute))
}

func TestAJobThatIsDisabledDoesNotTick(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := start(t, database, nil)
		client, app := production(s), harness.NewUnregisteredApp(t, s)
		began := s.Clock.Now()
		both := []string{job("stays", scheduled(interval(60))), job("leaves", scheduled(interval(60)))}
		index(t, client, app, both, nil)
		stays, leaves := only(t, client, "stays"), only(t, client, "leaves")
		for i, without := range [][]string{{both[0]}, {both[0], jobWith("leaves", scheduled(interval(60)), false)}} {
			now := began.Add(time.Duration(2*i) * minute)
			index(t, client, app, without, nil)
			if off := only(t, client, "leaves"); off.Active || off.NextTick != nil {
				t.Errorf("the disabled one is %+v", off)
			}
			s.Clock.AdvanceTo(now.Add(minute))
			ticked(t, s, client, app, stays, now.Add(minute))
			s.Clock.Advance(second)
			index(t, client, app, both, nil)
			s.Clock.AdvanceTo(now.Add(2 * minute))
			ticked(t, s, client, app, leaves, now.Add(2*minute))
			ticked(t, s, client, app, stays, now.Add(2*minute))
			wantTicks(t, client, leaves, map[time.Time]bool{now.Add(minute): false})
		}
	})
}

func TestATriggerOfAnotherKindLeavesNoScheduleBehind(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	static := object{"type": "static", "title": "Event", "rule": object{"event": "sent", "source": "trigger.dev"}}
	for _, other := range []object{static, dynamic("d"), {"type": "invoke"}} {
		index(t, client, app, []string{job("job", scheduled(interval(60)))}, nil)
		if n := len(list(client, "job=job")); n != 1 {
			t.Errorf("%d schedules, want 1", n)
		}
		index(t, client, app, []string{job("job", other)}, nil)
		if left := list(client, ""); len(left) != 0 {
			t.Errorf("%v leaves %+v", other, left)
		}
	}
}

func TestAnAppThatIsRemovedDoesNotTick(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	other := harness.NewUnregisteredApp(t, s)
	began := s.Clock.Now()
	index(t, client, app, []string{job("gone", scheduled(interval(60))), job("dynamic", dynamic("d"))}, map[string][]string{"d": {"dynamic"}})
	register(t, client, "d", "key", interval(60), nil)
	indexAs(t, client, other, "other", []string{job("theirs", scheduled(interval(60)))}, nil)
	schedule, theirs, keyed := only(t, client, "gone"), only(t, client, "theirs"), only(t, client, "key")
	client.OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
	s.Clock.Advance(minute)
	ticked(t, s, client, other, theirs, began.Add(minute))
	for _, of := range []listed{schedule, keyed} {
		wantTicks(t, client, of, map[time.Time]bool{began.Add(minute): false})
	}
	if active := list(client, "active=true"); len(active) != 1 || active[0].Job != "theirs" {
		t.Errorf("those that tick are %+v", active)
	}
}

func TestATestRunOfAScheduledJobLeavesItsTicksAlone(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	index(t, client, app, []string{job("job", scheduled(interval(60)))}, nil)
	before := only(t, client, "job")
	var tested struct{ ID string }
	client.OK("POST", "/api/runhook/v1/jobs/job/test", object{"payload": object{"ts": "2026-01-31T12:00:00.000Z"}}, &tested)
	client.WaitRun(tested.ID, protocol.RunSuccess)
	body := app.Executions(tested.ID)[0].Body
	if body.Event.Name != "trigger.scheduled" || !body.Run.IsTest || body.Source != nil {
		t.Errorf("the test is %+v", body)
	}
	after := only(t, client, "job")
	if after.LastTick != nil || !after.NextTick.Equal(before.NextTick.Time) {
		t.Errorf("the schedule is %+v", after)
	}
}

func TestARerunOfATickReceivesTheTick(t *testing.T) {
	t.Parallel()
	s := start(t, harness.Memory, nil)
	client, app := production(s), harness.NewUnregisteredApp(t, s)
	index(t, client, app, []string{job("job", scheduled(object{"type": "interval", "options": object{"seconds": 60}, "accountId": "customer"}))}, nil)
	schedule := only(t, client, "job")
	s.Clock.Advance(minute)
	first := ticked(t, s, client, app, schedule, s.Clock.Now())[0].Body
	var again struct{ ID string }
	client.OK("POST", "/api/runhook/v1/runs/"+first.Run.ID+"/rerun", nil, &again)
	client.WaitRun(again.ID, protocol.RunSuccess)
	body := app.Executions(again.ID)[0].Body
	if string(body.Event.Payload) != string(first.Event.Payload) || string(body.Source) != string(first.Source) || body.Account == nil || body.Account.ID != "customer" {
		t.Errorf("the rerun is %+v, and the first run was %+v", body, first)
	}
}
