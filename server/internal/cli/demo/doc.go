// Package demo shows on real files what Runhook promises: a job goes through,
// and its completion webhook arrives, although the server is killed in between.
//
// It starts a server as a child process, an app with one job, and a receiver of
// webhooks, all on loopback. The job is invoked for every file. At a moment when
// some runs are asleep and others are inside a task, the server is killed and
// started again on the same data. Then the demo compares what the notifications
// say with what the app saw itself.
//
// What it calls a finished task is one whose result the server has acknowledged
// to the app. A task that was cut off before that is not finished, and is
// executed again; the two are counted apart.
//
// The server never outlives the demo: it stops when its standard input is
// closed, which the operating system does even for a demo that is killed.
package demo
