// Package conformance follows the specification's lists of what not to copy from
// the server that the protocol comes from. It has tests only: one for each item,
// named by the item's number and by what this server promises instead. Where
// lists say the same, one test names the items of both.
//
// The lists, and how their items are named here:
//
//   - "12.1 item 6" is of section 12.1 of the specification of executions;
//   - "22.1 item B6" is of section 22.1 of the specification of the API;
//   - "8 item 6" is of section 8 of the specification of triggers.
//
// These items have no test, for the reason that follows. A test compares this
// list and the names of the tests with the numbers of the lists.
//
//   - 12.1 item 32: runs have no numbers here, only ids.
//   - 8 item 19: no events about missing connections are sent: credentials are the app's affair.
//   - 8 item 20: the server keeps no integrations: credentials are the app's affair.
//   - 8 item 26: a version's links, help and properties are shown by the dashboard only.
package conformance
