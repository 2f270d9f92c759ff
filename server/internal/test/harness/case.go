package harness

import (
	"maps"
	"slices"
	"testing"
)

// Cases are tests, by their names, that share a server and an app.
type Cases map[string]func(t *testing.T, s *Server, app *App)

// RunCases runs cases one after another on one server and app for each database.
func RunCases(t *testing.T, cases Cases) {
	EachDatabase(t, func(t *testing.T, database string) {
		s := Start(t, Options{Database: database})
		app := NewApp(t, s)
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			t.Run(name, func(t *testing.T) {
				view := s.For(t)
				cases[name](t, view, app.For(view))
			})
		}
	})
}
