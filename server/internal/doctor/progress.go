package doctor

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

// Progress is how far the check of a database has come. It is kept in the
// database, so that the processes that share one take turns.
type Progress struct {
	// DueAt is when the next few rows are to be looked at.
	DueAt time.Time
	// Table and After name the last row that was looked at.
	Table string
	After string
	// Rounds is how often the whole database was looked at, CompletedAt when that
	// was last done.
	Rounds      int
	CompletedAt time.Time
	// Found is how many rows were found in this round for which an invariant did
	// not hold, Repaired how many of them were repaired.
	Found, Repaired int
	// LastFound and LastRepaired are the same of the round before.
	LastFound, LastRepaired int
}

// Problems returns how many rows the check knows of for which an invariant did
// not hold when it looked: the gauge that should read zero.
func (p Progress) Problems() int { return max(p.Found, p.LastFound) }

// readProgress returns the progress and the text it is kept as, both empty when
// nothing was checked yet.
func readProgress(tx *store.Tx) (p Progress, text string, err error) {
	text, found, err := tx.Setting(store.DoctorSetting)
	if err != nil || !found {
		return p, "", err
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, text, fmt.Errorf("how far the check of the database has come: %w", err)
	}
	return p, text, nil
}

// replace keeps p in place of the text, if that is still what is kept.
func (p Progress) replace(tx *store.Tx, text string) (bool, error) {
	now, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	return tx.ReplaceSetting(store.DoctorSetting, text, string(now))
}

// next moves on past a span.
func (p *Progress) next(span store.Span, now time.Time) {
	tables := store.InvariantTables()
	p.Table, p.After = span.Table, span.Until
	if span.Until != "" {
		return
	}
	for i, table := range tables {
		if table != span.Table {
			continue
		}
		if i+1 < len(tables) {
			p.Table = tables[i+1]
			return
		}
	}
	p.Table = tables[0]
	p.Rounds, p.CompletedAt = p.Rounds+1, now
	p.LastFound, p.LastRepaired, p.Found, p.Repaired = p.Found, p.Repaired, 0, 0
}
