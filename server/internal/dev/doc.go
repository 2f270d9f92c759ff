// Package dev is "runhook dev": it stands between an app that somebody is writing
// and a server. It finds the app, or waits for it, registers it, registers it again when it has
// restarted or has other jobs, and shows what its runs do while they do it.
//
// It knows apps by the protocol alone, so an app may be written in any language,
// and servers by their API, so a server may be anywhere that can reach the app.
// What it shows is what the server tells those who watch (package live): if it
// loses the server, it says so, waits, and goes on.
package dev
