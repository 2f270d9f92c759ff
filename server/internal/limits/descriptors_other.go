//go:build !unix

package limits

// Descriptors returns how many descriptors (open files and connections) this
// process may have; 0 if that is unknown.
func Descriptors() int { return 0 }
