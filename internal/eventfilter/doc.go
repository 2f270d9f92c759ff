// Package eventfilter decides which events, requests and answers something is for.
//
// A [Filter] is the event filter language of the protocol: an object of lists of
// values, lists of conditions, and objects of the same kind, such as
//
//	{"status": ["paid", "sent"], "total": [{"$gt": 10}, {"$lte": 20}], "buyer": {"vip": [true]}}
//
// It matches a value if every key's list or object matches the member of that
// name. A list of values is an "or", a list of conditions an "and". An object
// matches a list if it matches any of the list's elements.
//
// Built on it: a [Rule] matches events, a [Request] filter the requests that
// HTTP endpoints get, a [Response] filter the answers to polls.
//
// Guarantees:
//
//   - Numbers are compared as JavaScript does, as 64-bit floating-point numbers:
//     large integers that JavaScript cannot distinguish are equal.
//   - Only objects have members. In JavaScript text has a length and everything
//     has a toString; here they are absent.
//   - Parsing refuses what the protocol calls invalid, with an [Error] that names
//     the place. It also refuses filters beyond [MaxBytes], [MaxDepth] and
//     [MaxRules].
//   - Matching never panics and does a bounded amount of work, whatever the
//     filter and the value. A value that would take more is not matched.
//   - All types may be used by many goroutines at once.
//
// The filter {"a": {"b": [{"$exists": false}]}} does not match {}: what is absent
// has no members to be absent, so only an empty filter matches it.
//
// A [Language] reads filters. The server's and that of package runhooktest differ in how
// they bring the texts of $ignoreCaseEquals into one form, which takes tables of Unicode
// that the standard library does not offer.
package eventfilter
