package crash

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestNothingIsLostOnSQLite(t *testing.T) {
	t.Parallel()
	survive(t, newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "runhook.db"), nil, 1))
}

func TestNothingIsLostByThreeServersOnPostgreSQL(t *testing.T) {
	t.Parallel()
	postgres := testpostgres.Start(t)
	survive(t, newWorld(t, postgres.URL(), postgres, 3))
}

// survive torments a world under load, and then checks that nothing was lost.
func survive(t *testing.T, w *world) {
	t.Logf("the seed is %d", *seed)
	l := newLoad(w)
	l.during(t, func() map[string]int {
		return w.torment(t.Context(), rand.New(rand.NewPCG(*seed, 0)), *kills)
	})
}

// during has the clients invoke while something happens, and then checks that
// nothing was lost. What happens returns how often each thing did.
func (l *load) during(t *testing.T, happen func() map[string]int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		l.run(ctx)
	}()
	// Also if it ends the test: the clients must not report to one that is over.
	end := sync.OnceFunc(func() {
		stop()
		<-loaded
	})
	defer end()
	happened := happen()
	end()
	l.check(t, happened)
}

// check waits until everything that was accepted has ended, and looks at what
// became of it.
func (l *load) check(t *testing.T, happened map[string]int) {
	keys := slices.Sorted(maps.Keys(l.accepted))
	awaited := slices.Concat(keys, l.heardKeys())
	for _, key := range awaited {
		l.wait("the notification of "+key+", run "+l.accepted[key], func() bool { return l.inbox.has(key) })
	}
	l.awaitDelivered()

	var runs []string
	again := 0
	for _, key := range keys {
		l.invoke(key) // gives the same run once more
		runs = append(runs, l.accepted[key])
		again += l.checkRun(t, key, l.accepted[key], key)
	}
	heard, heardAgain := l.checkEvents(t)
	again += heardAgain
	for _, key := range l.inbox.keys() {
		if !slices.Contains(awaited, key) {
			t.Errorf("a notification came for a run of %s, which was never accepted", key)
		}
	}
	if total := l.countRuns(); total != len(runs)+len(heard) {
		t.Errorf("there are %d runs, but %d were asked for and %d are of events", total, len(runs), len(heard))
	}
	done := readLedger(t, l.ledger)
	done.check(t, runs, heard)
	l.examine()
	t.Logf("%d runs that were invoked and %d of events with %d tasks, after %v; %d tasks were executed more than once, "+
		"%d of them by executions that overlapped, %d notifications were delivered again, %d requests were answered that the database is away",
		len(runs), len(heard), len(done.times), happened, done.again, done.overlapped, again, l.away)
}

// checkRun checks the end of a run, its output and that it was reported under the key,
// and returns how often its notification was delivered again.
func (l *load) checkRun(t *testing.T, key, id, output string) (again int) {
	t.Helper()
	run := l.api().Run(id)
	if run.Status != protocol.RunSuccess || string(run.Output) != `"`+output+`"` {
		t.Errorf("run %s of %s is %s with %s", id, key, run.Status, run.Output)
	}
	messages, came := l.inbox.messages(key)
	stored := l.notifications("run=" + id)
	if len(messages) != 1 || len(stored) != 1 || stored[0].ID != messages[0].id || stored[0].Status != model.NotificationDelivered {
		t.Errorf("run %s of %s was reported by %v, and %+v is on record", id, key, messages, stored)
		return 0
	}
	var got protocol.RawRunNotification
	if err := json.Unmarshal([]byte(messages[0].body), &got); err != nil || got.ID != id || got.Status != run.Status {
		t.Errorf("run %s was reported as %s (%v)", id, messages[0].body, err)
	}
	return came - 1
}

// countRuns returns how many runs there are.
func (l *load) countRuns() (count int) {
	for cursor, more := "", true; more; {
		var page struct {
			Runs       []struct{ ID string }
			NextCursor string
		}
		l.api().OK("GET", "/api/runhook/v1/runs?take=50&cursor="+cursor, nil, &page)
		count += len(page.Runs)
		cursor, more = page.NextCursor, page.NextCursor != ""
	}
	return count
}

// notification is one of the list of notifications.
type notification struct {
	ID     string
	Status model.NotificationStatus
}

// awaitDelivered waits until no notification is to be sent any more.
func (l *load) awaitDelivered() {
	l.t.Helper()
	l.wait("every notification to be recorded as delivered", func() bool { return len(l.notifications("status=PENDING")) == 0 })
}

func (l *load) notifications(query string) []notification {
	var list struct{ Notifications []notification }
	l.api().OK("GET", "/api/runhook/v1/notifications?"+query, nil, &list)
	return list.Notifications
}
