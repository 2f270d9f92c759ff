package storetest

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

var scheduleTests = []test{
	{"a schedule is recorded once for its target and key", insertedSchedule},
	{"a schedule is changed, and a tick that is being started is lost", changedSchedule},
	{"a schedule is described anew without touching its ticks", describedSchedule},
	{"a schedule that is deactivated or removed loses its tick", deactivatedSchedule},
	{"schedules are paused and resumed by their target", pausedSchedules},
	{"the schedules of an endpoint miss the ticks that have come", skippedTicks},
	{"schedules are claimed when they are due, the longest due first, and only once", claimedSchedules},
	{"the end of a tick says when the next is due", endedTick},
	{"a schedule of a released process is due again", releasedSchedule},
	{"dynamic schedules are kept by their endpoint", dynamicSchedules},
	{"a tick starts the jobs that are active", versionsOfSchedules},
	{"an app is attached until it is detached or the process is gone", attachments},
}

// newSchedule returns a schedule of the fixture's job that is due now.
func (f *fixture) newSchedule(changes ...func(*model.Schedule)) model.Schedule {
	now := f.clock.Now()
	s := model.Schedule{
		ID: f.id(model.PrefixSchedule), EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID,
		Kind: model.ScheduleStatic, TargetID: f.job.ID, Key: f.job.ID, Type: protocol.ScheduleInterval,
		Options: protocol.ScheduleOptions{Seconds: 60}, Active: true, NextTick: now, CreatedAt: now, UpdatedAt: now,
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func (f *fixture) insertSchedule(changes ...func(*model.Schedule)) model.Schedule {
	f.Helper()
	s := f.newSchedule(changes...)
	equal(f, "whether it was recorded", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertSchedule(s) }), true)
	return s
}

// keyed makes a schedule one of a dynamic schedule.
func keyed(target, key string) func(*model.Schedule) {
	return func(s *model.Schedule) {
		s.Kind, s.TargetID, s.Key = model.ScheduleDynamic, target, key
	}
}

func dueAt(at time.Time) func(*model.Schedule) { return func(s *model.Schedule) { s.NextTick = at } }

func (f *fixture) storedSchedule(s model.Schedule) model.Schedule {
	f.Helper()
	var found bool
	got := write(f, func(tx *store.Tx) (got model.Schedule, err error) {
		got, found, err = tx.LockSchedule(s.EnvironmentID, s.TargetID, s.Key)
		return got, err
	})
	if !found {
		f.Fatalf("schedule %s is not there", s.Key)
	}
	return got
}

func (f *fixture) claimSchedules(owner string, limit int) []store.ClaimedSchedule {
	f.Helper()
	return write(f, func(tx *store.Tx) ([]store.ClaimedSchedule, error) {
		claimed, _, err := tx.ClaimSchedules(owner, limit)
		return claimed, err
	})
}

func (f *fixture) newDynamic(endpoint model.Endpoint, slug string, active bool) model.DynamicSchedule {
	f.Helper()
	return write(f, func(tx *store.Tx) (model.DynamicSchedule, error) {
		return tx.SaveDynamicSchedule(model.DynamicSchedule{
			ID: f.id(model.PrefixDynamicSchedule), EnvironmentID: endpoint.EnvironmentID, EndpointID: endpoint.ID, Slug: slug, Active: active,
		})
	})
}

func scheduleKey(c store.ClaimedSchedule) string { return c.Key }

func insertedSchedule(f *fixture) {
	account := write(f, func(tx *store.Tx) (string, error) { return tx.UpsertAccount(f.environment.ID, "customer") })
	first := f.insertSchedule()
	second := f.insertSchedule(keyed("dynamic_1", "a/b"), func(s *model.Schedule) {
		s.Type, s.Options = protocol.ScheduleCron, protocol.ScheduleOptions{Cron: "* * * * *"}
		s.Metadata, s.AccountID, s.LastTick = []byte(`{ "a": 1 }`), account, f.clock.Now().Add(-time.Minute)
	})
	f.insertSchedule(keyed("dynamic_2", "a/b"))
	equal(f, "the first", f.storedSchedule(first), first)
	equal(f, "the second", f.storedSchedule(second), second)
	again := f.newSchedule(keyed("dynamic_1", "a/b"))
	equal(f, "whether it was recorded twice", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertSchedule(again) }), false)
	equal(f, "the second after that", f.storedSchedule(second), second)
}

func changedSchedule(f *fixture) {
	s := f.insertSchedule()
	claim := f.claimSchedules("node_a", 1)[0]
	f.clock.Advance(time.Second)
	s.Type, s.Options, s.Metadata = protocol.ScheduleCron, protocol.ScheduleOptions{Cron: "@daily"}, []byte(`1`)
	s.NextTick, s.UpdatedAt = f.clock.Now().Add(time.Hour), f.clock.Now()
	f.update(func(tx *store.Tx) error { return tx.ChangeSchedule(s) })
	equal(f, "the changed schedule", f.storedSchedule(s), s)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueSchedule), s.NextTick)
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndTick(claim, claim.NextTick, claim.NextTick) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.DelayTick(claim, f.clock.Now()) })
}

func describedSchedule(f *fixture) {
	s := f.insertSchedule()
	claim := f.claimSchedules("node_a", 1)[0]
	s.EndpointID, s.Metadata = f.newEndpoint(f.environment, "elsewhere").ID, []byte(`{}`)
	f.update(func(tx *store.Tx) error { return tx.DescribeSchedule(s) })
	equal(f, "the described schedule", f.storedSchedule(s), s)
	next := s.NextTick.Add(time.Minute)
	f.update(func(tx *store.Tx) error { return tx.EndTick(claim, s.NextTick, next) })
	s.LastTick, s.NextTick = s.NextTick, next
	equal(f, "the schedule after its tick", f.storedSchedule(s), s)
}

func deactivatedSchedule(f *fixture) {
	s, other := f.insertSchedule(), f.insertSchedule(keyed("dynamic_1", "key"), dueAt(f.clock.Now().Add(time.Hour)))
	claim := f.claimSchedules("node_a", 1)[0]
	f.clock.Advance(time.Second)
	deactivate := func(key string) bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.DeactivateSchedule(f.environment.ID, s.TargetID, key) })
	}
	s.Active, s.NextTick, s.UpdatedAt = false, time.Time{}, f.clock.Now()
	for range 2 {
		equal(f, "whether it was there", deactivate(s.Key), true)
		equal(f, "the schedule", f.storedSchedule(s), s)
		f.clock.Advance(time.Second)
	}
	equal(f, "whether an unknown one was there", deactivate("unknown"), false)
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndTick(claim, claim.NextTick, claim.NextTick) })
	equal(f, "the other", f.storedSchedule(other), other)
	f.update(func(tx *store.Tx) error { return tx.DeleteSchedule(other.EnvironmentID, other.TargetID, other.Key) })
	if _, found := findOrNot(f, func(tx *store.Tx) (model.Schedule, bool, error) {
		return tx.LockSchedule(other.EnvironmentID, other.TargetID, other.Key)
	}); found {
		f.Error("a schedule that was removed is there")
	}
	equal(f, "the one that stays", f.storedSchedule(s), s)
}

func pausedSchedules(f *fixture) {
	now := f.clock.Now()
	due, leased := f.insertSchedule(keyed("dynamic_1", "due"), dueAt(now.Add(time.Hour))), f.insertSchedule(keyed("dynamic_1", "leased"))
	f.insertSchedule(keyed("dynamic_1", "off"), func(s *model.Schedule) { s.Active, s.NextTick = false, time.Time{} })
	other := f.insertSchedule(keyed("dynamic_2", "other"), dueAt(now.Add(2*time.Hour)))
	claim := f.claimSchedules("node_a", 1)[0]
	f.update(func(tx *store.Tx) error { return tx.PauseSchedules(f.environment.ID, "dynamic_1") })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndTick(claim, now, now) })
	equal(f, "when the next is due", read(f, (*store.Tx).NextDueSchedule), other.NextTick)
	due.NextTick, leased.NextTick = time.Time{}, time.Time{}
	equal(f, "the one that was due", f.storedSchedule(due), due)
	f.update(func(tx *store.Tx) error { return tx.ResumeSchedules(f.environment.ID, "dynamic_1") })
	for _, got := range f.claimSchedules("node_a", 10) {
		want := due
		if got.Key == leased.Key {
			want = leased
		}
		equal(f, "the resumed schedule", got.Schedule, want)
	}
	equal(f, "the other", f.storedSchedule(other), other)
}

func skippedTicks(f *fixture) {
	has, had := f.newDynamic(f.endpoint, "has", true), f.newDynamic(f.endpoint, "had", false)
	paused, now := dueAt(time.Time{}), f.clock.Now()
	f.insertSchedule(dueAt(now.Add(-time.Second)), keyed(has.ID, "leased"))
	claim := f.claimSchedules("node_a", 1)[0]
	f.insertSchedule(paused)
	f.insertSchedule(paused, keyed(has.ID, "paused"))
	f.insertSchedule(dueAt(now), keyed(has.ID, "due"))
	f.insertSchedule(paused, keyed(had.ID, "had"))
	later := f.insertSchedule(keyed(has.ID, "later"), dueAt(now.Add(time.Hour)))
	f.insertSchedule(paused, keyed(has.ID, "off"), func(s *model.Schedule) { s.Active = false })
	elsewhere := f.newEndpoint(f.environment, "elsewhere")
	f.insertSchedule(paused, keyed("dynamic_9", "elsewhere"), func(s *model.Schedule) { s.EndpointID = elsewhere.ID })
	f.update(func(tx *store.Tx) error { return tx.SkipTicksOfEndpoint(f.endpoint.ID) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndTick(claim, now, now) })
	without := map[string]bool{}
	for _, got := range f.claimSchedules("node_a", 10) {
		without[got.Key] = got.NextTick.IsZero()
	}
	equal(f, "what is due without a tick", without, map[string]bool{f.job.ID: true, "paused": true, "due": true, "leased": true})
	equal(f, "what is due later", f.storedSchedule(later), later)
}

func claimedSchedules(f *fixture) {
	now := f.clock.Now()
	f.insertSchedule(keyed("d", "third"), dueAt(now))
	first := f.insertSchedule(keyed("d", "first"), dueAt(now.Add(-time.Hour)))
	f.insertSchedule(keyed("d", "future"), dueAt(now.Add(time.Millisecond)))
	claimed := f.claimSchedules("node_a", 1)
	equal(f, "the claimed schedule", claimed, []store.ClaimedSchedule{{Schedule: first, Lease: model.Lease{Owner: "node_a", Number: 1}}})
	f.update(func(tx *store.Tx) error {
		claimed, next, err := tx.ClaimSchedules("node_b", 10)
		equal(f, "what was left", names(claimed, scheduleKey), []string{"third"})
		equal(f, "when the next is due", next, now.Add(time.Millisecond))
		return err
	})
}

func endedTick(f *fixture) {
	s := f.insertSchedule()
	tick := s.NextTick
	next := tick.Add(time.Minute)
	claim := f.claimSchedules("node_a", 1)[0]
	f.update(func(tx *store.Tx) error { return tx.EndTick(claim, tick, next) })
	f.refuses(model.ErrLeaseLost, func(tx *store.Tx) error { return tx.EndTick(claim, tick, next) })
	s.LastTick, s.NextTick = tick, next
	equal(f, "the schedule after a tick", f.storedSchedule(s), s)
	f.clock.Advance(time.Minute)
	claim = f.claimSchedules("node_a", 1)[0]
	again := next.Add(5 * time.Second)
	f.update(func(tx *store.Tx) error { return tx.DelayTick(claim, again) })
	equal(f, "the schedule with a delayed tick", f.storedSchedule(s), s)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueSchedule), again)
	f.clock.Advance(time.Minute)
	claim = f.claimSchedules("node_a", 1)[0]
	equal(f, "the third claim", claim, store.ClaimedSchedule{Schedule: s, Lease: model.Lease{Owner: "node_a", Number: 3}})
	f.update(func(tx *store.Tx) error { return tx.EndTick(claim, time.Time{}, time.Time{}) })
	s.NextTick = time.Time{}
	equal(f, "the paused schedule", f.storedSchedule(s), s)
	equal(f, "when it is due", read(f, (*store.Tx).NextDueSchedule), time.Time{})
}

func releasedSchedule(f *fixture) {
	s := f.insertSchedule(dueAt(f.clock.Now().Add(-time.Second)))
	f.claimSchedules("node_a", 1)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	equal(f, "what is due", f.claimSchedules("node_b", 10), []store.ClaimedSchedule{{Schedule: s, Lease: model.Lease{Owner: "node_b", Number: 2}}})
}

func dynamicSchedules(f *fixture) {
	b, a := f.newDynamic(f.endpoint, "b", true), f.newDynamic(f.endpoint, "a", true)
	f.newDynamic(f.newEndpoint(f.environment, "elsewhere"), "a", true)
	saved := f.newDynamic(f.endpoint, "b", false)
	b.Active = false
	equal(f, "the one that was saved again", saved, b)
	all := read(f, func(tx *store.Tx) ([]model.DynamicSchedule, error) {
		return tx.DynamicSchedulesOfEndpoint(f.endpoint.ID)
	})
	equal(f, "those of the endpoint", all, []model.DynamicSchedule{a, b})
	got, found := findOrNot(f, func(tx *store.Tx) (model.DynamicSchedule, bool, error) {
		return tx.LockDynamicSchedule(f.endpoint.ID, "a")
	})
	equal(f, "whether it is there", found, true)
	equal(f, "the one that is locked", got, a)
	endpoint, found := findOrNot(f, func(tx *store.Tx) (model.Endpoint, bool, error) { return tx.LockEndpoint(f.endpoint.ID) })
	equal(f, "whether the endpoint is there", found, true)
	equal(f, "the endpoint", endpoint.Slug, f.endpoint.Slug)
}

func versionsOfSchedules(f *fixture) {
	second := write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "second"})
	})
	version := f.newVersion(f.environment, f.endpoint, second, "1.0.0", true)
	f.newVersion(f.environment, f.endpoint, second, "0.9.0", false)
	f.newVersion(f.other, f.newEndpoint(f.other, "app"), second, "2.0.0", true)
	dynamic := f.newDynamic(f.endpoint, "dynamic", true)
	versions := func(s model.Schedule) []string {
		return names(read(f, func(tx *store.Tx) ([]store.JobVersion, error) { return tx.JobVersionsOfSchedule(s) }),
			func(v store.JobVersion) string { return v.ID })
	}
	setJobs := func(ids ...string) {
		f.update(func(tx *store.Tx) error { return tx.SetJobsOfDynamicSchedule(dynamic.ID, ids) })
	}
	ofJob, ofDynamic := f.newSchedule(), f.newSchedule(keyed(dynamic.ID, "key"))
	equal(f, "the job's", versions(ofJob), []string{f.version.ID})
	equal(f, "those of no jobs", versions(ofDynamic), nil)
	setJobs(f.job.ID, second.ID)
	equal(f, "those of two jobs", versions(ofDynamic), []string{f.version.ID, version.ID})
	setJobs(second.ID, second.ID)
	equal(f, "those of the other job", versions(ofDynamic), []string{version.ID})
	f.update(func(tx *store.Tx) error { return tx.DisableJobVersion(version.ID, "") })
	equal(f, "those of a disabled job", versions(ofDynamic), nil)
	setJobs()
	equal(f, "those of no jobs again", versions(ofDynamic), nil)
}

func attachments(f *fixture) {
	attached := func() bool {
		return read(f, func(tx *store.Tx) (bool, error) { return tx.Attached(f.environment.ID, "app") })
	}
	attach := func(id, slug, node string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.Attach(store.Attachment{ID: id, EnvironmentID: f.environment.ID, EndpointSlug: slug, NodeID: node})
		}
	}
	f.update(func(tx *store.Tx) error { return tx.AddNode("node_a", f.clock.Now()) })
	f.update(attach("attachment_0", "other", "node_a"))
	equal(f, "whether someone is attached", attached(), false)
	f.update(attach("attachment_1", "app", "node_a"))
	f.update(attach("attachment_2", "app", "node_a"))
	f.update(func(tx *store.Tx) error { return tx.Detach("attachment_1") })
	equal(f, "whether the second is attached", attached(), true)
	f.update(func(tx *store.Tx) error { return tx.ReleaseNode("node_a") })
	equal(f, "whether it outlives the process", attached(), false)
	f.refuses(database.ErrConstraint, attach("attachment_3", "app", "node_a"))
}
