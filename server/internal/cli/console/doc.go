// Package console is the commands of runhook that ask a server something and show
// what it answers: notifications, subscriptions, and listen, which forwards
// notifications to a program on the same machine.
//
// Each command has two forms. For people it writes lines and tables; with
// Console.JSON it writes the server's own JSON, unchanged, one document for each
// answer, for programs. What apps and receivers said is shown so that it cannot
// steer the terminal.
package console
