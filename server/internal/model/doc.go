// Package model holds the entities of the server, the states they go through,
// their ids, and the errors that callers decide on. It knows neither how they
// are stored nor who asks for them.
package model
