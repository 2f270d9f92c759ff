package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// standstill is how long nothing may happen before the demo fails.
const standstill = time.Minute

// watch shows progress until ctx ends, and fails a demo that stands
// still.
func (d *demo) watch(ctx context.Context, giveUp context.CancelCauseFunc) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	last, since := 0, time.Now()
	for {
		select {
		case <-ctx.Done():
			d.screen.showStatus("")
			return
		case now := <-ticker.C:
			notified, changes := d.ledger.progress()
			if changes != last {
				last, since = changes, now
			}
			if now.Sub(since) > standstill {
				giveUp(fmt.Errorf("nothing has happened for %v; %d of %d notifications have arrived", standstill, notified, len(d.ledger.files)))
				return
			}
			d.screen.showStatus(fmt.Sprintf("%8.1f  %d of %s arrived", now.Sub(d.screen.started).Seconds(),
				notified, counted(len(d.ledger.files), "notification")))
		}
	}
}

// whereabouts says where the runs are.
func whereabouts(count map[place]int) string {
	var parts []string
	for _, p := range []struct {
		place place
		words string
	}{{inTask, "inside a task"}, {sleeping, "asleep"}, {moving, "on the way"}, {ended, "ended"}} {
		if n := count[p.place]; n > 0 {
			parts = append(parts, thousands(n)+" "+p.words)
		}
	}
	return strings.Join(parts, ", ")
}

// seconds returns a duration for people.
func seconds(d time.Duration) string {
	if d >= 10*time.Second || d%time.Second == 0 {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// runDuration is how long a run took from its start to its end, waits included.
func runDuration(n protocol.RunNotification[fileToRead, report]) string {
	return fmt.Sprintf("%.2f s", n.CompletedAt.Sub(n.StartedAt.Time).Seconds())
}
