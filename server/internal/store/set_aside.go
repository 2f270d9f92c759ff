package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// SetAside is why and when a row was set aside: the database has refused what was to
// be recorded for it each time it was tried. The zero value is of a row that was not.
type SetAside struct {
	At    time.Time
	Error string
	// Tick is the tick that a schedule missed by it; zero for an event, and for a
	// schedule whose next tick could not be found.
	Tick time.Time
}

// setAsideScan holds the destinations of a SetAside.
type setAsideScan struct {
	at, tick *int64
	err      *string
}

func (s *setAsideScan) result() SetAside {
	if s.at == nil {
		return SetAside{} // the error is of a row that is tried again
	}
	return SetAside{At: timeOf(*s.at), Error: textOrEmpty(s.err), Tick: timeOrZero(s.tick)}
}

// SetAsideRow is a row that was set aside.
type SetAsideRow struct {
	SetAside
	Table LeasedTable
	// ID is by which the API knows it: of an event, that of its sender.
	ID string
	// Environment is its type.
	Environment string
	// Poison is set if the reason is that claims of it were lost ([Tx.PoisonRows]).
	Poison bool
}

// SetAsideRows returns up to limit rows of each table that were set aside, in all
// environments.
func (tx *Tx) SetAsideRows(limit int) ([]SetAsideRow, error) {
	events, err := tx.setAsideIn(LeasedEvents, "x.event_id", "NULL", limit)
	if err != nil {
		return nil, err
	}
	schedules, err := tx.setAsideIn(LeasedSchedules, "x.id", "x.missed_tick_at", limit)
	if err != nil {
		return nil, err
	}
	poison, err := tx.PoisonRows("", limit)
	return slices.Concat(events, schedules, poison), err
}

func (tx *Tx) setAsideIn(table LeasedTable, id, tick string, limit int) ([]SetAsideRow, error) {
	return collect(tx, `
		SELECT `+id+`, COALESCE(e.type, x.environment_id), x.set_aside_at, x.error, CAST(`+tick+` AS BIGINT) FROM `+string(table)+` x
		LEFT JOIN environments e ON e.id = x.environment_id
		WHERE x.set_aside_at IS NOT NULL ORDER BY x.id LIMIT $1`, []any{limit}, func(rows database.Rows) (SetAsideRow, error) {
		row := SetAsideRow{Table: table}
		var s setAsideScan
		err := rows.Scan(&row.ID, &row.Environment, &s.at, &s.err, &s.tick)
		row.SetAside = s.result()
		return row, err
	})
}

// CountSetAside returns how many rows were set aside, in all environments.
func (tx *Tx) CountSetAside() (int, error) {
	query := `SELECT (SELECT COUNT(*) FROM events WHERE set_aside_at IS NOT NULL) + (SELECT COUNT(*) FROM schedules WHERE set_aside_at IS NOT NULL)`
	for _, table := range leasedTables {
		query += fmt.Sprintf(` + (SELECT COUNT(*) FROM lost_claims l JOIN %s x ON x.id = l.id WHERE %s)`, table, poison(table))
	}
	return tx.count(query)
}
