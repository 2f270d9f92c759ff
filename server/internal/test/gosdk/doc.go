// Package gosdk tests that the Go SDK and a real server understand each other: each
// way to start a run once, and whatever else an app asks of the server. The apps
// are written as users would write them. What the server does with odd requests is
// tested in its own packages, and what the SDK makes of odd answers in the SDK's.
package gosdk
