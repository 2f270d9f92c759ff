// Package architecture holds the tests that keep the shape of the source: which
// package may import which, who may open connections, that every package says
// what it is for, that files stay short, and that comments cite documents and
// sections that exist. It has no code of its own.
//
// A test here that fails for a good reason is changed here, in the same commit,
// so that the change of shape is seen and not slipped in.
package architecture
