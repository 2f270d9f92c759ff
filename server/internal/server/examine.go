package server

import (
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/store"
)

// Problem is a row of a database that is not as it should be.
type Problem struct {
	Table, ID string
	// Broken says what is wrong with it.
	Broken string
	// Repairable tells that a server repairs it by itself.
	Repairable bool
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
func Examine(ctx context.Context, config Config) ([]Problem, error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if err := store.CheckFileAt(ctx, config.Database); err != nil {
		return nil, Explain(err, config.Database)
	}
	breaches, err := examineOnce(ctx, config)
	for waited := time.Duration(0); err == nil && waited < settling && slices.ContainsFunc(breaches, passes); waited += anotherLook {
		breaches, err = examineAgain(ctx, config, breaches)
	}
	var problems []Problem
	for _, b := range breaches {
		i := b.Invariant
		problems = append(problems, Problem{Table: i.Table, ID: b.ID, Broken: i.Broken, Repairable: i.Repairable()})
	}
	return problems, Explain(err, config.Database)
}

func examineOnce(ctx context.Context, config Config) (breaches []store.Breach, err error) {
	options := store.Options{URL: config.Database, Clock: config.Clock, Log: config.Log}
	err = store.Look(ctx, options, func(tx *store.Tx) (err error) {
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
