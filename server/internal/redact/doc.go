// Package redact shows people JSON without the secrets in it: the texts that an SDK
// has marked as holding secrets, and the parts of an output that its task names by
// paths.
//
// A path is names and indexes with dots between them, such as card.number or
// cards.0.number: a name is that of a member of an object, a number that of an
// element of a list, or of a member whose name is that number. A path that leads
// nowhere masks nothing.
//
// A value is read once, from its beginning to its end, whatever is in it and however
// many paths there are. What is not masked stays as it was, but for white space.
package redact
