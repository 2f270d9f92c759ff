// Package limits finds out what the system lets this process use: memory and
// descriptors.
package limits
