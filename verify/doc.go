// Package verify verifies the signatures of requests that other services send to the
// HTTP endpoints of an app:
//
//	pushes := runhook.NewHTTPEndpoint(app, "github", verify.GitHub(os.Getenv("GITHUB_SECRET")))
//
// A [Verifier] is a function, so that a program can write its own. Those of this
// package compare in constant time, never put a secret or a signature into an
// error, and refuse everything if their secret is empty. Where a service signs the
// time, a request must have come within five minutes of it. That is measured at
// the time when the server received the request, not when it is verified, which
// may be long after and more than once.
package verify
