// Package jsontype says what JSON a Go type stands for: as a JSON Schema for
// people and tools ([Type.Schema]), and as a check that finds everything that is
// wrong with a text ([Type.Check]), where encoding/json stops at the first
// mismatch and takes what is missing for zero.
//
// Both are made from one description, so that what the schema promises is what
// the check demands. It follows encoding/json: tags, embedded structs, options
// such as omitempty and string, types that encode themselves. A type with a
// MarshalJSON or UnmarshalJSON of its own may stand for anything.
//
// A member is required if it stands for a bool, a number, a string, an array or
// a struct and its tag has neither omitempty nor omitzero. The zero of every
// other type is nil, which is what an absent member means too. Members that the
// type does not have are allowed, unless it is strict.
//
// Nothing that encoding/json decodes is wrong, unless something is missing or null.
// The schema names only the forms that encoding/json writes; the check also takes
// those that it reads besides: bytes as a list of numbers, a [json.Number] as text.
package jsontype
