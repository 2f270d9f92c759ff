// Package filter says which events and requests something is for. Filters are
// written as Go values in the shape of what they match:
//
//	filter.Object{
//		"status":   filter.Is("paid", "settled"),
//		"amount":   filter.All(filter.AtLeast(100), filter.Below(1000)),
//		"customer": filter.Object{"country": filter.Is("DE")},
//	}
//
// An event passes if every member named does. A member that is an object may be
// matched by an [Object]; if it is an array, one of its elements must match. [Is]
// and the conditions look at the member itself: they never look into arrays, but
// for [Includes] and [Not]. A member that is absent fails all but [Missing],
// [NotNull] and [NoneOf].
//
// Filters are values that do not change: they may be shared and used at once.
package filter
