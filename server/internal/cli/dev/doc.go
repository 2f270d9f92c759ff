// Package dev is "runhook dev", which connects an app under development with a
// server. It finds the app, or waits for it, registers it, registers it again when it
// has restarted or has other jobs, and shows its runs live.
//
// It knows apps by the protocol alone, so an app may be written in any language,
// and servers by their API, so a server may be anywhere that can reach the app.
// What it shows comes from the server's stream of events (package pubsub). If it loses
// the server, it says so, waits, and reconnects.
package dev
