package store

import (
	"fmt"
	"slices"
	"strings"
)

// Invariant is something that is true of every row of a table whenever no
// transaction is under way.
type Invariant struct {
	// Name names it in logs and reports.
	Name string
	// Table is the table whose rows it is about.
	Table string
	// Broken says, of a row for which it does not hold, what is wrong.
	Broken string
	// Passes is set when it may be broken for some seconds, after which servers see to
	// it by themselves.
	Passes bool
	// broken is the condition, in SQL, of rows x for which it does not hold. $now
	// stands for the time by the shared clock.
	broken string
	// repair is what to set so that it holds again without losing or repeating
	// anything; empty where only a person can decide. If it sets a status, broken
	// names the statuses it may come from.
	repair string
}

// Repairable reports whether [Tx.Repair] can make it hold again.
func (i Invariant) Repairable() bool { return i.repair != "" }

// Invariants returns all of them, in the order of [InvariantTables].
func Invariants() []Invariant { return slices.Clone(invariants) }

// InvariantTables returns the tables that invariants are about.
func InvariantTables() []string {
	var tables []string
	for _, i := range invariants {
		if !slices.Contains(tables, i.Table) {
			tables = append(tables, i.Table)
		}
	}
	return tables
}

// invariantsOf returns those that are about a table.
func invariantsOf(table string) []Invariant {
	return slices.DeleteFunc(Invariants(), func(i Invariant) bool { return i.Table != table })
}

// Span is the rows of a table with ids after one and up to another.
type Span struct {
	Table string
	After string
	// Until is empty for a span that goes to the table's end.
	Until string
}

// where returns the condition, and its parameters, of the rows x of a span.
func (s Span) where() (condition string, args []any) {
	if s.Until == "" {
		return `x.id > $1`, []any{s.After}
	}
	return `x.id > $1 AND x.id <= $2`, []any{s.After, s.Until}
}

// SpanAfter returns the span of up to rows rows that follow an id; the empty id
// stands for the beginning.
func (tx *Tx) SpanAfter(table, after string, rows int) (Span, error) {
	span := Span{Table: table, After: after}
	last, found, err := first(tx, `SELECT id FROM `+table+` WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`,
		[]any{after, rows - 1}, scanString)
	if found {
		span.Until = last
	}
	return span, err
}

// Breach is a row for which an invariant does not hold.
type Breach struct {
	Invariant Invariant
	ID        string
}

// Breaches returns the rows of a span for which an invariant does not hold.
func (tx *Tx) Breaches(span Span) ([]Breach, error) {
	var breaches []Breach
	for _, i := range invariantsOf(span.Table) {
		ids, err := tx.breaking(i, span)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			breaches = append(breaches, Breach{Invariant: i, ID: id})
		}
	}
	return breaches, nil
}

// breaking returns the ids of the rows of a span for which an invariant does not
// hold.
func (tx *Tx) breaking(i Invariant, span Span) ([]string, error) {
	if i == subscriptionsNotified {
		return tx.runsNotNotified(span)
	}
	where, args := span.where()
	broken, args, err := tx.condition(i, args)
	if err != nil {
		return nil, err
	}
	return collect(tx, `SELECT x.id FROM `+i.Table+` x WHERE `+where+` AND (`+broken+`) ORDER BY x.id`, args, scanString)
}

// condition returns the condition of rows x for which an invariant does not hold,
// and adds the parameter that it needs to those that there are.
func (tx *Tx) condition(i Invariant, args []any) (string, []any, error) {
	if !strings.Contains(i.broken, "$now") {
		return i.broken, args, nil
	}
	now, err := tx.SharedNow()
	args = append(args, micros(now))
	return strings.ReplaceAll(i.broken, "$now", fmt.Sprintf("$%d", len(args))), args, err
}

// Repair makes an invariant hold for a row, if it still does not, and reports
// whether there was need. It locks the row's run, or the queue of its source, first,
// as everyone does. The loops of the server find what becomes due by it the next
// time they look.
func (tx *Tx) Repair(b Breach) (bool, error) {
	if err := tx.lockForRepair(b); err != nil {
		return false, err
	}
	broken, args, err := tx.condition(b.Invariant, []any{b.ID})
	if err != nil {
		return false, err
	}
	changed, err := tx.conn.Exec(`UPDATE `+b.Invariant.Table+` AS x SET `+b.Invariant.repair+`
		WHERE x.id = $1 AND (`+broken+`)`, args...)
	return changed > 0, err
}

func (tx *Tx) lockForRepair(b Breach) error {
	run := b.ID
	switch b.Invariant.Table {
	case "runs":
	case "tasks":
		task, _, err := tx.Task(b.ID)
		if err != nil {
			return err
		}
		run = task.RunID
	case "source_deliveries":
		_, _, err := first(tx, `
			SELECT source_id FROM source_queues WHERE source_id = (SELECT source_id FROM source_deliveries WHERE id = $1)`+tx.conn.Dialect().ForUpdate,
			[]any{b.ID}, scanString)
		return err
	default:
		return nil
	}
	_, _, err := tx.LockRun(run)
	return err
}

// LostOwners returns those who have rows leased and are on record no more: a
// process that expired while it leased them. [Tx.ReleaseNode] makes the rows
// due again.
func (tx *Tx) LostOwners() ([]string, error) {
	var queries []string
	for _, table := range leasedTables {
		queries = append(queries, `SELECT lease_owner FROM `+string(table)+` WHERE lease_owner IS NOT NULL`)
	}
	return collect(tx, `
		SELECT DISTINCT owned.lease_owner FROM (`+strings.Join(queries, ` UNION ALL `)+`) owned
		WHERE NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = owned.lease_owner) ORDER BY owned.lease_owner`, nil, scanString)
}
