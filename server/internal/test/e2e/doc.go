// Package e2e tests the server from outside: it builds the runhook program, runs
// it as a process on SQLite and on PostgreSQL, and has apps on the published
// Node SDK, in both of its last versions, work with it. The apps' jobs are in
// e2e/ at the top of the repository, and need Node and the packages that
// scripts/install.sh installs.
//
// Each combination of SDK and database is a stack: a server, an app, a receiver
// of webhooks, and a relay on either side that keeps the addresses when a
// process is killed, records what is said, and loses answers on purpose. The
// scenarios of a stack are played all at once, since most of their time is spent
// waiting; a stack whose scenario failed shows the logs of its processes.
//
// After the scenarios of a stack the records of its relays are gone through: no
// request was refused but those that had to be, and none was made more often
// than the job's code made it, which is how the SDK shows that it did not
// understand an answer.
//
// Nothing here is imported by anything else.
package e2e
