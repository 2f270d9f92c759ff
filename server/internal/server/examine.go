package server

import (
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/store"
)

// Problem is a row of a database that is not as it should be.
type Problem struct {
	Table, ID string
	// Broken says what is wrong with it.
	Broken string
	// Repairable is set if a server repairs it by itself.
	Repairable bool
}

// Examination is what was found in a database.
type Examination struct {
	Problems []Problem
	// Off are the environments that are switched off, which is no problem.
	Off []SwitchedOff
	// SetAside are events and schedules of which something cannot be recorded, up to 1,000
	// of each.
	SetAside []SetAside
}

// SetAside is an event, or a schedule with a tick, that was set aside.
type SetAside = store.SetAsideRow

// SwitchedOff is an environment that is switched off.
type SwitchedOff struct {
	Environment protocol.EnvironmentType
	// Why says so, and how it is switched on.
	Why string
}

// settling is how long servers may take to see to what they see to by themselves,
// and anotherLook how often it is looked at meanwhile.
const (
	settling    = 30 * time.Second
	anotherLook = 2 * time.Second
)

// Examine returns what is wrong with a database, also while servers use it. What
// servers see to by themselves within seconds is looked at again, and is only
// wrong if it is still there after a while. It changes nothing, and needs no encryption key.
func Examine(ctx context.Context, config Config) (found Examination, err error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return found, err
	}
	if err := store.CheckFileAt(ctx, config.Database); err != nil {
		return found, Explain(err, config.Database)
	}
	breaches, err := examineOnce(ctx, config)
	for waited := time.Duration(0); err == nil && waited < settling && slices.ContainsFunc(breaches, passes); waited += anotherLook {
		breaches, err = examineAgain(ctx, config, breaches)
	}
	for _, b := range breaches {
		i := b.Invariant
		found.Problems = append(found.Problems, Problem{Table: i.Table, ID: b.ID, Broken: i.Broken, Repairable: i.Repairable()})
	}
	if err == nil {
		err = look(ctx, config, &found)
	}
	return found, Explain(err, config.Database)
}

// mostSetAside bounds the rows of each kind that are listed as set aside.
const mostSetAside = 1000

// look finds what is no fault of the program, and to be known.
func look(ctx context.Context, config Config, found *Examination) error {
	options := store.Options{URL: config.Database, Clock: config.Clock, Log: config.Log}
	return store.Inspect(ctx, options, func(tx *store.Tx) (err error) {
		if found.SetAside, err = tx.SetAsideRows(mostSetAside); err != nil {
			return err
		}
		reasons, err := tx.ReasonsOff()
		found.Off = nil
		for _, e := range environments {
			if why := reasons[e.kind]; why != "" {
				found.Off = append(found.Off, SwitchedOff{e.kind, why})
			}
		}
		return err
	})
}

func examineOnce(ctx context.Context, config Config) (breaches []store.Breach, err error) {
	options := store.Options{URL: config.Database, Clock: config.Clock, SharedClock: sharedClock(config), Log: config.Log}
	err = store.Inspect(ctx, options, func(tx *store.Tx) (err error) {
		breaches, err = doctor.Examine(tx)
		return err
	})
	return breaches, err
}

func passes(b store.Breach) bool { return b.Invariant.Passes }

// examineAgain returns those breaches that may pass and have not after a while,
// and all others.
func examineAgain(ctx context.Context, config Config, before []store.Breach) ([]store.Breach, error) {
	timer := config.Clock.NewTimer(anotherLook)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return before, ctx.Err()
	}
	after, err := examineOnce(ctx, config)
	if err != nil {
		return before, err
	}
	return slices.DeleteFunc(before, func(b store.Breach) bool {
		return passes(b) && !slices.Contains(after, b)
	}), nil
}
