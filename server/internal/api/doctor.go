package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
)

// doctorRoutes are for those who watch over a server.
func (a *API) doctorRoutes() {
	a.router.handle("GET", "/api/runhook/v1/doctor", a.secret(a.health))
}

// checkup is what the check of the database has found.
type checkup struct {
	// Problems is the number that should read zero: rows that were not as they
	// should be when they were last looked at, of every environment.
	Problems int `json:"problems"`
	// Repaired is how many of them were repaired.
	Repaired int `json:"repaired"`
	// Rounds is how often the whole database was looked at, CompletedAt when that
	// was last done; absent for never.
	Rounds      int            `json:"rounds"`
	CompletedAt *protocol.Time `json:"completedAt,omitempty"`
}

// health is GET /api/runhook/v1/doctor: what the check in the background has found
// (package doctor). The rows are in the log, and runhook doctor lists them.
func (a *API) health(w http.ResponseWriter, r *request) error {
	p, err := a.Doctor.Progress(r.Context())
	if err != nil {
		return err
	}
	return ok(w, checkup{
		Problems: p.Problems(), Repaired: max(p.Repaired, p.LastRepaired),
		Rounds: p.Rounds, CompletedAt: protocol.AtOrNil(p.CompletedAt),
	})
}
