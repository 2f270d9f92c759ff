package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
)

func TestSchedulesAreRegisteredFromOutside(t *testing.T) {
	server, app := newApp(t)
	reminders := runhook.NewDynamicSchedule(app, "reminders")
	ctx := t.Context()
	if err := reminders.Register(ctx, "user/1", runhook.Every(time.Hour), runhook.AccountID("a1"), runhook.Metadata(7)); err != nil {
		t.Fatal(err)
	}
	if err := reminders.Register(ctx, "user/2", runhook.Cron("0 9 * * *")); err != nil {
		t.Fatal(err)
	}
	if err := reminders.Unregister(ctx, "user/1"); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests()
	for i, want := range []string{
		`POST /api/v1/shop/schedules/reminders/registrations {"id":"user/1","type":"interval","options":{"seconds":3600},"accountId":"a1","metadata":7}`,
		`POST /api/v1/shop/schedules/reminders/registrations {"id":"user/2","type":"cron","options":{"cron":"0 9 * * *"}}`,
		`DELETE /api/v1/shop/schedules/reminders/registrations/user%2F1 `,
	} {
		if got := requests[i].Method + " " + requests[i].Path + " " + requests[i].Body; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
	var refused *runhook.APIError
	if err := reminders.Unregister(ctx, "user/1"); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
}

func TestSchedulesThatCannotBeRegistered(t *testing.T) {
	_, app := newApp(t)
	reminders := runhook.NewDynamicSchedule(app, "reminders")
	const prefix = `register schedule "k" of dynamic schedule "reminders": `
	for want, err := range map[string]error{
		`register schedule "" of dynamic schedule "reminders": the key is empty`:                     reminders.Register(t.Context(), "", runhook.Every(time.Hour)),
		prefix + "the schedule is empty: use runhook.Every or runhook.Cron":                          reminders.Register(t.Context(), "k", runhook.Schedule{}),
		prefix + "an interval must be a number of whole seconds from 20s to 720h0m0s, and 1s is not": reminders.Register(t.Context(), "k", runhook.Every(time.Second)),
		prefix + "encode the metadata as JSON: json: unsupported type: chan int":                     reminders.Register(t.Context(), "k", runhook.Every(time.Hour), runhook.Metadata(make(chan int))),
	} {
		if errorText(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestARunRegistersSchedulesOnce(t *testing.T) {
	server, app := newApp(t)
	reminders := runhook.NewDynamicSchedule(app, "reminders")
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (none, error) {
		return none{}, errors.Join(
			reminders.Register(ctx, "k", runhook.Every(time.Hour)), reminders.Unregister(ctx, "k"), reminders.Register(ctx, "k", runhook.Every(time.Minute)),
			runhook.Sleep(ctx, "pause", time.Second),
		)
	})
	run := server.Invoke("job", "{}")
	settleFor(server, run, time.Second, 2)
	wantAnswers(t, run, "RESUME_WITH_TASK SUCCESS")
	if got := server.Schedules("reminders"); len(got) != 1 || got["k"].Options.Seconds != 60 {
		t.Errorf("registered %+v", got)
	}
	if tasks := run.Tasks(); len(tasks) != 4 || tasks[0].Name != "register schedule" {
		t.Errorf("tasks %+v", tasks)
	}
}

func TestTicksSayWhichScheduleTheyAreOf(t *testing.T) {
	server, app := newApp(t)
	reminders := runhook.NewDynamicSchedule(app, "reminders")
	var got string
	runhook.NewJob(app, "remind", "1.0.0", runhook.OnSchedule(reminders), func(ctx context.Context, tick runhook.Tick) (none, error) {
		source := runhook.CurrentRun(ctx).Source
		got = fmt.Sprint(source.ID, string(source.Metadata), tick.At.Equal(server.Now()), tick.Last.IsZero())
		return none{}, nil
	})
	if err := reminders.Register(t.Context(), "k", runhook.Every(time.Hour), runhook.Metadata("m")); err != nil {
		t.Fatal(err)
	}
	server.Tick("reminders", "k")
	server.Settle()
	if got != `k"m"true true` {
		t.Errorf("got %s", got)
	}
}
