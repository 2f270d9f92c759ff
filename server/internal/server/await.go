package server

import (
	"context"
	"errors"
	"time"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

const (
	// openPause is the pause between two tries to open a database that does not
	// answer, and openReminder how often that is logged.
	openPause, openReminder = time.Second, 10 * time.Second
)

// awaitStore opens the database. While it does not answer, as one that starts beside
// the server, it tries again until the configured wait is over; any other error, such
// as a wrong password, is returned at once.
func awaitStore(ctx context.Context, config Config, open func() (*store.Store, error)) (*store.Store, error) {
	began, logged := config.Clock.Now(), time.Time{}
	for {
		s, err := open()
		now := config.Clock.Now()
		if !errors.Is(err, database.ErrUnavailable) || now.Sub(began) >= config.DatabaseWait {
			return s, err
		}
		if logged.IsZero() || now.Sub(logged) >= openReminder {
			logged = now
			config.Log.Warn("the database does not answer yet; waiting for it", "longest", config.DatabaseWait, "err", err)
		}
		timer := config.Clock.NewTimer(openPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}
