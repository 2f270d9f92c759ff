// Package verify is "runhook verify": it takes a completion webhook apart that
// someone has recorded, and says which check of a receiver it fails and why.
//
// Whether the webhook is believed is what package receiver says, so that the
// command and a program agree. What the package adds is the rest of the story:
// every check is made even after one has failed, each signature is named with
// the key that made it, and if a signature is wrong, the usual accidents (an
// editor's line break, JSON that was formatted anew) are tried, so that it can
// say what happened to the body.
//
// Keys and secrets are never part of what it says.
package verify
