package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

// doctorRoutes are for those who watch over a server.
func (a *API) doctorRoutes() {
	a.router.handle("GET", "/api/runhook/v1/doctor", a.secret(a.health))
	a.router.handle("GET", "/api/runhook/v1/set-aside", a.secret(a.listPoison))
	a.router.handle("POST", "/api/runhook/v1/set-aside/{kind}/{id}/release", a.secret(a.releasePoison))
}

// checkup is what the check of the database has found.
type checkup struct {
	// Problems is the number that should read zero: rows that were not as they
	// should be when they were last looked at, of every environment.
	Problems int `json:"problems"`
	// Repaired is how many of them were repaired.
	Repaired int `json:"repaired"`
	// SetAside is how many events, and schedules with a tick, of every environment were
	// set aside: what they start cannot be recorded.
	SetAside int `json:"setAside"`
	// Rounds is how often the whole database was looked at, CompletedAt when that
	// was last done; absent for never.
	Rounds      int            `json:"rounds"`
	CompletedAt *protocol.Time `json:"completedAt,omitempty"`
	// File is the state of a SQLite file; absent for PostgreSQL, which looks after its
	// own.
	File *fileState `json:"file,omitempty"`
	// Failing are the components of this server that fail now, as /readyz has them. Why
	// they do is in the log: it may name hosts and paths.
	Failing []string `json:"failing"`
}

// fileState is what the check of the database file has found. Where the file is, and
// what is damaged in it, is in the log.
type fileState struct {
	// Status is unchecked, whole or damaged.
	Status    string         `json:"status"`
	CheckedAt *protocol.Time `json:"checkedAt,omitempty"`
}

// health is GET /api/runhook/v1/doctor: what the check in the background has found
// (package doctor). The rows are in the log, and runhook doctor lists them.
func (a *API) health(w http.ResponseWriter, r *request) error {
	p, err := a.Doctor.Progress(r.Context())
	if err != nil {
		return err
	}
	var setAside int
	err = a.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		setAside, err = tx.CountSetAside()
		return err
	})
	if err != nil {
		return err
	}
	answer := checkup{
		Problems: p.Problems(), Repaired: max(p.Repaired, p.LastRepaired), SetAside: setAside,
		Rounds: p.Rounds, CompletedAt: protocol.AtOrNil(p.CompletedAt), Failing: []string{},
	}
	if state, isFile := a.Store.FileState(); isFile {
		answer.File = &fileState{state.Status, protocol.AtOrNil(state.CheckedAt)}
	}
	for _, failure := range a.Health.Failures() {
		answer.Failing = append(answer.Failing, failure.Component)
	}
	return r.ok(w, answer)
}
