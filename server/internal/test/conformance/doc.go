// Package conformance tests what Runhook does not copy from the server that the
// protocol comes from. It has tests only: one for each item of the three lists, named
// by the item's number and by what Runhook promises instead. Where lists say the same,
// one test names the items of both.
//
// The lists, and how their items are named here:
//
//   - "12.1 item 6" is docs/protocol/execution.md §12.1.6;
//   - "22.1 item B6" is docs/protocol/api.md §B6;
//   - "8 item 6" is docs/protocol/triggers.md §8.6.
//
// These items have no test, for the reason that follows. A test compares this list and
// the names of the tests with the documents.
//
//   - 12.1 item 32: runs have no numbers here, only ids.
//   - 8 item 19: no events about missing connections are sent: credentials are the app's affair.
//   - 8 item 20: the server keeps no integrations: credentials are the app's affair.
//   - 8 item 26: a version's links, help and properties are shown by the dashboard only.
package conformance
