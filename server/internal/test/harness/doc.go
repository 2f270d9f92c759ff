// Package harness runs a real server in the test's process and plays the
// world around it: an app that answers as its script says ([App]), a receiver of
// completion webhooks that verifies and records them ([Receiver]), a client of
// the API ([Client]), and a clock that only the test moves ([Clock]).
//
// All traffic is HTTP on loopback, so that a test says what others can see. Nothing
// here sleeps: [Server.Wait] polls until a condition holds, and back-offs pass by
// moving the clock.
//
// Functions that are given a test fail it themselves. Those that an app's script
// calls only mark it as failed, because they run on the app's goroutines.
package harness
