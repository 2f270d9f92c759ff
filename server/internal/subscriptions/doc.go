// Package subscriptions keeps standing subscriptions: receivers that get the
// notifications of all runs that they match, until somebody deletes them.
//
// It checks what a subscription may say, makes and rotates the secrets that sign for it,
// and says which runs it would have matched. It keeps the record of how each
// subscription is doing, which package delivery reports to: one that fails for days is
// switched off after a warning, and the other subscriptions of the environment that
// want to know are notified.
package subscriptions
