package store

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// MostLostClaims is how many claims of a row in a row may be lost, by a process that
// ended or by a panic, until the row is set aside.
const MostLostClaims = 5

// endOfTime is when a row is due that was set aside, in microseconds: the last second of
// the year 9999. Whatever gives the row another time, such as its cancellation, ends that.
const endOfTime = 253402300799_000_000

// lostMemory is how long a lost claim is remembered.
const lostMemory = 24 * time.Hour

// dueColumn is the column that says when a row of a table is due.
func (t LeasedTable) dueColumn() string {
	if t == LeasedTasks {
		return "operation_at"
	}
	return "due_at"
}

// lostClaim is what is kept of the claims of a row that were lost.
type lostClaim struct {
	row              LeasedRow
	claims, progress int64
}

// ReleaseLostNode is [Tx.ReleaseNode] for a process that ended while it worked, or went
// silent. It returns the rows that it set aside: the last [MostLostClaims] claims of each
// were lost, and nothing came of any.
func (tx *Tx) ReleaseLostNode(id string) ([]SetAsideRow, error) {
	rows, err := tx.LeasedTo(id)
	if err != nil {
		return nil, err
	}
	progress, err := tx.progressOf(`lease_owner = $1`, id)
	if err != nil {
		return nil, err
	}
	if err := tx.ReleaseNode(id); err != nil {
		return nil, err
	}
	return tx.countLost(rows, progress, fmt.Sprintf("the server that worked on it ended or went silent, %d times in a row", MostLostClaims))
}

// ReleaseLostRow is [Tx.ReleaseLease] for a row the work on which panicked. It returns the
// row if it is set aside, as ReleaseLostNode does.
func (tx *Tx) ReleaseLostRow(owner string, row LeasedRow, reason string) ([]SetAsideRow, error) {
	progress, err := tx.progressOf(`id = $1`, row.ID)
	if err != nil {
		return nil, err
	}
	released, err := tx.ReleaseLease(owner, row)
	if err != nil || !released {
		return nil, err
	}
	return tx.countLost([]LeasedRow{row}, progress, reason)
}

// progressOf returns, of the runs that a condition names, a number that grows with all
// that comes of an execution.
func (tx *Tx) progressOf(which, arg string) (map[string]int64, error) {
	progress := map[string]int64{}
	_, err := collect(tx, `
		SELECT x.id, (SELECT COALESCE(SUM(1 + t.attempts + CASE WHEN t.completed_at IS NULL THEN 0 ELSE 1 END), 0) FROM tasks t WHERE t.run_id = x.id)
		FROM runs x WHERE x.`+which, []any{arg}, func(rows database.Rows) (id string, err error) {
		var n int64
		err = rows.Scan(&id, &n)
		progress[id] = n
		return id, err
	})
	return progress, err
}

// countLost counts the claims of rows that were lost and released. From the second in a
// row on, the next waits, longer each time; after the last, the row is set aside.
func (tx *Tx) countLost(rows []LeasedRow, progress map[string]int64, reason string) (aside []SetAsideRow, err error) {
	before, err := tx.lostClaims(rows)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		lost := lostClaim{row: row, claims: 1}
		if row.Table == LeasedRuns {
			lost.progress = progress[row.ID]
		}
		key := LeasedRow{Table: row.Table, ID: row.ID}
		if last, known := before[key]; known && last.row.Number == row.Number-1 && last.progress == lost.progress {
			lost.claims = last.claims + 1
		}
		setAside, err := tx.putOffLost(lost)
		if err != nil {
			return nil, err
		}
		if err := tx.keepLost(lost, setAside, reason); err != nil {
			return nil, err
		}
		if setAside {
			aside = append(aside, SetAsideRow{SetAside: SetAside{At: tx.now, Error: reason}, Table: row.Table, ID: row.ID})
		}
	}
	if len(rows) > 0 {
		_, err = tx.conn.Exec(`DELETE FROM lost_claims WHERE lost_at < $1 AND set_aside_at IS NULL`, micros(tx.now.Add(-lostMemory)))
	}
	return aside, err
}

// lostClaims returns what is kept of rows.
func (tx *Tx) lostClaims(rows []LeasedRow) (map[LeasedRow]lostClaim, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	kept := map[LeasedRow]lostClaim{}
	if len(rows) == 0 {
		return kept, nil
	}
	_, err := collect(tx, `SELECT table_name, id, lease_number, claims, progress FROM lost_claims WHERE id `+tx.conn.Dialect().InList("$1"), []any{jsonList(ids)},
		func(rows database.Rows) (l lostClaim, err error) {
			err = rows.Scan(&l.row.Table, &l.row.ID, &l.row.Number, &l.claims, &l.progress)
			kept[LeasedRow{Table: l.row.Table, ID: l.row.ID}] = l
			return l, err
		})
	return kept, err
}

// putOffLost has a row that was released due later, the more of its claims were lost, and
// reports whether it is set aside.
func (tx *Tx) putOffLost(lost lostClaim) (setAside bool, err error) {
	if lost.claims < 2 {
		return false, nil
	}
	// Rows that were lost together are due at different times, so that they are distinguished from
	// the one whose work ended the process.
	const first = time.Second
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(lost.row.ID)) // never fails
	pause := first << (min(lost.claims, MostLostClaims) - 2)
	due := micros(tx.now.Add(pause/2 + pause/2*time.Duration(hash.Sum32()%256)/256))
	if setAside = lost.claims >= MostLostClaims; setAside {
		due = endOfTime
	}
	column := lost.row.Table.dueColumn()
	changed, err := tx.conn.Exec(fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE id = $2 AND %s IS NOT NULL AND lease_owner IS NULL`, lost.row.Table, column, column),
		due, lost.row.ID)
	return setAside && changed > 0, err
}

func (tx *Tx) keepLost(lost lostClaim, setAside bool, reason string) error {
	var at time.Time
	if setAside {
		at = tx.now
	}
	return tx.conn.Queue(`
		INSERT INTO lost_claims (table_name, id, lease_number, claims, progress, lost_at, set_aside_at, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (table_name, id) DO UPDATE SET lease_number = excluded.lease_number, claims = excluded.claims, progress = excluded.progress,
			lost_at = excluded.lost_at, set_aside_at = excluded.set_aside_at, reason = excluded.reason`,
		[]any{string(lost.row.Table), lost.row.ID, lost.row.Number, lost.claims, lost.progress, micros(tx.now), microsOrNull(at), reason}, nil)
}

// poison returns the condition of rows x of a table that were set aside because their
// claims were lost, as l has it.
func poison(table LeasedTable) string {
	return fmt.Sprintf(`l.table_name = '%s' AND l.set_aside_at IS NOT NULL AND x.%s = %d`, table, table.dueColumn(), endOfTime)
}

// environmentOf is the environment of a row x of a table.
func (t LeasedTable) environmentOf() string {
	if t == LeasedWaits {
		return "(SELECT d.environment_id FROM dispatchers d WHERE d.id = x.id)"
	}
	return "x.environment_id"
}

// PoisonRows returns up to limit rows of each table that were set aside because
// [MostLostClaims] of their claims in a row were lost: of an environment, or of all if the
// id is empty.
func (tx *Tx) PoisonRows(environmentID string, limit int) (all []SetAsideRow, err error) {
	for _, table := range leasedTables {
		rows, err := collect(tx, `
			SELECT x.id, COALESCE(e.type, ''), l.set_aside_at, l.reason FROM lost_claims l JOIN `+string(table)+` x ON x.id = l.id
			LEFT JOIN environments e ON e.id = `+table.environmentOf()+`
			WHERE `+poison(table)+` AND ($1 = '' OR `+table.environmentOf()+` = $1) ORDER BY x.id LIMIT $2`,
			[]any{environmentID, limit}, func(rows database.Rows) (row SetAsideRow, err error) {
				var at int64
				row.Table, row.Poison = table, true
				err = rows.Scan(&row.ID, &row.Environment, &at, &row.Error)
				row.At = timeOf(at)
				return row, err
			})
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// ReleasePoison makes a row of an environment due that was set aside because its claims
// were lost, and reports whether it was.
func (tx *Tx) ReleasePoison(environmentID string, table LeasedTable, id string) (bool, error) {
	if !slices.Contains(leasedTables, table) {
		return false, nil
	}
	changed, err := tx.conn.Exec(fmt.Sprintf(`UPDATE %[1]s SET %[2]s = $1 WHERE id = (
		SELECT x.id FROM %[1]s x JOIN lost_claims l ON l.id = x.id WHERE x.id = $2 AND %[3]s = $3 AND %[4]s)`,
		table, table.dueColumn(), table.environmentOf(), poison(table)), micros(tx.now), id, environmentID)
	if err != nil || changed == 0 {
		return false, err
	}
	_, err = tx.conn.Exec(`DELETE FROM lost_claims WHERE table_name = $1 AND id = $2`, string(table), id)
	return true, err
}
