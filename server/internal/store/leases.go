package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// LeasedTable is a table whose rows processes lease.
type LeasedTable string

// The tables whose rows processes lease.
const (
	LeasedRuns          LeasedTable = "runs"
	LeasedTasks         LeasedTable = "tasks"
	LeasedEvents        LeasedTable = "events"
	LeasedSchedules     LeasedTable = "schedules"
	LeasedWaits         LeasedTable = "event_waits"
	LeasedNotifications LeasedTable = "notifications"
	LeasedIndexes       LeasedTable = "endpoint_indexes"
	LeasedDeliveries    LeasedTable = "source_deliveries"
)

// LeasedTables returns all of them.
func LeasedTables() []LeasedTable { return slices.Clone(leasedTables) }

var leasedTables = slices.Concat([]LeasedTable{LeasedRuns, LeasedTasks}, queues, datedQueues)

// queues have a due time and nothing else to restore when a lease is released;
// datedQueues also record when they last changed.
var (
	queues      = []LeasedTable{LeasedEvents, LeasedSchedules, LeasedWaits}
	datedQueues = []LeasedTable{LeasedNotifications, LeasedIndexes, LeasedDeliveries}
)

// LeasedRow is a row that a process has leased.
type LeasedRow struct {
	Table LeasedTable
	ID    string
	// Number is that of the lease.
	Number int64
}

// CompareLeasedRows orders rows by table, then by id.
func CompareLeasedRows(a, b LeasedRow) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Number, b.Number))
}

// LeasedTo returns all rows that are leased to a process.
func (tx *Tx) LeasedTo(owner string) ([]LeasedRow, error) {
	var queries []string
	for _, table := range leasedTables {
		queries = append(queries, fmt.Sprintf(`SELECT '%[1]s' AS leased_table, id, lease_number FROM %[1]s WHERE lease_owner = $1`, table))
	}
	leased, err := collect(tx, strings.Join(queries, ` UNION ALL `), []any{owner}, func(rows database.Rows) (r LeasedRow, err error) {
		err = rows.Scan(&r.Table, &r.ID, &r.Number)
		return r, err
	})
	slices.SortFunc(leased, CompareLeasedRows)
	return leased, err
}

// NoteIdleLeases keeps which rows a process has leased without working on them, in
// place of what was kept of it before. [Tx.Breaches] finds those whose leases last.
func (tx *Tx) NoteIdleLeases(owner string, rows []LeasedRow) error {
	if _, err := tx.conn.Exec(`DELETE FROM idle_leases WHERE lease_owner = $1`, owner); err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := tx.conn.Exec(`
			INSERT INTO idle_leases (table_name, id, lease_owner, lease_number) VALUES ($1, $2, $3, $4)
			ON CONFLICT (table_name, id) DO UPDATE SET lease_owner = excluded.lease_owner, lease_number = excluded.lease_number`,
			string(row.Table), row.ID, owner, row.Number); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseLease makes a row due again that a process has leased, and reports whether
// it still had that lease.
func (tx *Tx) ReleaseLease(owner string, row LeasedRow) (bool, error) {
	if !slices.Contains(leasedTables, row.Table) {
		return false, fmt.Errorf("release a row of %s, which are never leased", row.Table)
	}
	changed, err := tx.release(row.Table, leaseOwner+` = $1 AND id = $2 AND lease_number = $3`, owner, row.ID, row.Number)
	return changed > 0, err
}

// release makes the rows of a table due again whose leases a condition names.
func (tx *Tx) release(table LeasedTable, which string, args ...any) (int64, error) {
	now := fmt.Sprintf("$%d", len(args)+1)
	switch {
	case table == LeasedRuns:
		// Whatever ran under a limit makes room.
		if _, err := tx.conn.Exec(`
			UPDATE runs SET parked = FALSE, due_at = created_at
			WHERE parked AND limit_key IN (SELECT limit_key FROM runs WHERE `+which+`)`, args...); err != nil {
			return 0, err
		}
		return tx.conn.Exec(`
			UPDATE runs SET status = '`+string(model.RunReleased.To)+`', lease_owner = NULL, due_at = created_at, priority = 0, updated_at = `+now+`
			WHERE `+which+` AND status IN (`+quoted(model.RunReleased.From)+`)`, append(args, micros(tx.now))...)
	case table == LeasedTasks:
		return tx.conn.Exec(`UPDATE tasks SET lease_owner = NULL, operation_at = `+now+` WHERE `+which, append(args, micros(tx.now))...)
	case slices.Contains(datedQueues, table):
		return tx.conn.Exec(`UPDATE `+string(table)+` SET lease_owner = NULL, due_at = `+now+`, updated_at = `+now+` WHERE `+which, append(args, micros(tx.now))...)
	default:
		return tx.conn.Exec(`UPDATE `+string(table)+` SET lease_owner = NULL, due_at = `+now+` WHERE `+which, append(args, micros(tx.now))...)
	}
}

// LogKey is the key by which the log names a row of the table.
func (t LeasedTable) LogKey() string {
	switch t {
	case LeasedRuns:
		return "run"
	case LeasedTasks:
		return "task"
	case LeasedEvents:
		return "event"
	case LeasedSchedules:
		return "schedule"
	case LeasedWaits:
		return "wait"
	case LeasedNotifications:
		return "notification"
	case LeasedIndexes:
		return "index"
	case LeasedDeliveries:
		return "delivery"
	}
	return "id"
}
