package simulation

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store/database"
)

// leases checks that no one ends a lease but the server that has it. The model
// cannot see that where the outcome is the same whichever server records it. So this looks
// into the database before and after each transaction.
type leases struct {
	t     *testing.T
	clock *wallClock
}

// lease is a row that a server works on.
type lease struct {
	table, id, owner string
	number           int64
}

// leasedRows is the query for the leases of all tables.
var leasedRows = func() string {
	var queries []string
	for _, table := range []string{"runs", "tasks", "notifications", "events", "schedules", "event_waits", "endpoint_indexes", "source_deliveries"} {
		queries = append(queries, `SELECT '`+table+`', id, lease_owner, lease_number FROM `+table+` WHERE lease_owner IS NOT NULL`)
	}
	return strings.Join(queries, ` UNION ALL `)
}()

// watch runs a transaction of a server, and fails the test if it ends a lease that
// is another's.
func (l *leases) watch(by *nodeDatabase, conn database.Conn, fn func() error) error {
	if by.signals == nil {
		return fn() // it is the only one
	}
	before, err := l.leased(conn)
	if err != nil {
		return err
	}
	living, err := l.living(conn)
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err // and nothing is left of it
	}
	after, err := l.leased(conn)
	if err != nil {
		return err
	}
	for _, lease := range before {
		// What was leased to one that is not on record any more, others release.
		if slices.Contains(after, lease) || by.was(lease.owner) || !slices.Contains(living, lease.owner) {
			continue
		}
		if canceled, err := l.canceled(conn, lease); err != nil {
			return err
		} else if !canceled {
			l.t.Errorf("%s ended lease %d of %s %s, which %s has", by.name, lease.number, lease.table, lease.id, lease.owner)
		}
	}
	return nil
}

func (l *leases) leased(conn database.Conn) ([]lease, error) {
	return rows(conn, leasedRows, nil, func(found *lease) []any {
		return []any{&found.table, &found.id, &found.owner, &found.number}
	})
}

// living returns the servers whose leases have not run out.
func (l *leases) living(conn database.Conn) ([]string, error) {
	now := l.clock.Now().Truncate(time.Microsecond).UnixMicro()
	return rows(conn, `SELECT id FROM nodes WHERE expires_at >= $1`, []any{now}, func(id *string) []any { return []any{id} })
}

// canceled reports whether the run was canceled that a row belongs to, which may
// happen to it while someone works on it.
func (l *leases) canceled(conn database.Conn, ended lease) (bool, error) {
	query := map[string]string{
		"runs":        `SELECT status FROM runs WHERE id = $1`,
		"tasks":       `SELECT r.status FROM tasks t JOIN runs r ON r.id = t.run_id WHERE t.id = $1`,
		"event_waits": `SELECT r.status FROM event_waits w JOIN runs r ON r.id = w.run_id WHERE w.id = $1`,
	}[ended.table]
	if query == "" {
		return false, nil
	}
	status := ""
	_, err := database.First(conn, query, []any{ended.id}, &status)
	return protocol.RunStatus(status) == protocol.RunCanceled, err
}

// rows returns what a query finds.
func rows[T any](conn database.Conn, query string, args []any, into func(*T) []any) (found []T, err error) {
	result, err := conn.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	for result.Next() {
		var row T
		if err := result.Scan(into(&row)...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, result.Err()
}
