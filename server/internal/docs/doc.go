// Package docs runs the documentation: every code block of README.md, docs and the
// other guides, in order, as a reader would type them.
//
// A document is run in an empty home folder, by bash, with real programs on the
// ports that it names; so documents take turns, and a port that another program has
// fails the test by name. What a reader must have before, such as a server, is in
// the table of documents. CONTRIBUTING.md says how blocks are marked; a block of an
// unknown kind fails the test.
package docs
