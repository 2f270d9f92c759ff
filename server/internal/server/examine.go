package server

import (
	"context"

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

// Examine returns what is wrong with a database, also while servers use it. It
// changes nothing, and needs no encryption key.
func Examine(ctx context.Context, config Config) (problems []Problem, err error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	options := store.Options{URL: config.Database, Clock: config.Clock, Log: config.Log}
	err = store.Look(ctx, options, func(tx *store.Tx) error {
		breaches, err := doctor.Examine(tx)
		for _, b := range breaches {
			i := b.Invariant
			problems = append(problems, Problem{Table: i.Table, ID: b.ID, Broken: i.Broken, Repairable: i.Repairable()})
		}
		return err
	})
	return problems, err
}
