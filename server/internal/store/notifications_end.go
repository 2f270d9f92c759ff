package store

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/runhook/runhook/server/internal/model"
)

// EndedAttempt is an attempt to deliver a notification that has ended.
type EndedAttempt struct {
	// Notification is leased to whom the attempt was made by. Its counters and its
	// schedule are what they are to be from now on.
	Notification model.Notification
	// Transition is the step that the notification takes.
	Transition model.NotificationTransition
	Attempt    model.NotificationAttempt
}

// delivered reports whether the attempt has nothing to record that is not the same
// for all that were delivered.
func (e EndedAttempt) delivered() bool {
	return e.Transition.To == model.NotificationDelivered && e.Notification.ScheduledAt.IsZero()
}

// EndAttempts records attempts to deliver notifications, each of another one, and
// takes the notifications by their transitions. It gives [model.ErrLeaseLost] when one
// of the leases is no longer the notification's. Those that were delivered cost the
// least.
func (tx *Tx) EndAttempts(ended []EndedAttempt) error {
	// By owner, as a process may have had another id when it claimed the others.
	delivered := map[string]map[string]int64{}
	for _, e := range ended {
		n := e.Notification
		switch {
		case !e.delivered():
			if err := tx.moveNotification(e); err != nil {
				return err
			}
		case delivered[n.Lease.Owner] == nil:
			delivered[n.Lease.Owner] = map[string]int64{n.ID: n.Lease.Number}
		default:
			delivered[n.Lease.Owner][n.ID] = n.Lease.Number
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(delivered)) {
		if err := tx.receiveNotifications(owner, delivered[owner]); err != nil {
			return err
		}
	}
	return tx.insertAttempts(ended)
}

// receiveNotifications takes notifications to DELIVERED, by one attempt more each.
// Leases are the lease numbers by id.
func (tx *Tx) receiveNotifications(owner string, leases map[string]int64) error {
	text, err := json.Marshal(leases) // in the order of the ids
	if err != nil {
		return err
	}
	received := model.NotificationReceived
	return tx.conn.Queue(`
		UPDATE notifications
		SET status = CASE WHEN status IN (`+quoted(received.From)+`) THEN '`+string(received.To)+`' ELSE status END,
		    attempts = attempts + 1, scheduled_at = NULL, due_at = NULL, resend = FALSE,
		    lease_owner = NULL, updated_at = $1, delivered_at = $1
		FROM `+tx.conn.Dialect().Pairs("$2", "ended")+`
		WHERE notifications.id = ended.key AND `+leaseOwner+` = $3 AND lease_number = CAST(ended.value AS BIGINT)`,
		[]any{micros(tx.now), string(text), owner}, mustChangeAll(len(leases)))
}

// moveNotification takes one notification by the transition of an attempt.
func (tx *Tx) moveNotification(e EndedAttempt) error {
	n := e.Notification
	var delivered any
	if e.Transition.To == model.NotificationDelivered {
		delivered = micros(tx.now)
	}
	return tx.conn.Queue(`
		UPDATE notifications
		SET status = CASE WHEN status IN (`+quoted(e.Transition.From)+`) THEN $1 ELSE status END,
		    attempts = $2, scheduled_attempts = $3, scheduled_at = $4, due_at = $4, resend = FALSE,
		    lease_owner = NULL, updated_at = $5, delivered_at = COALESCE($6, delivered_at)
		WHERE id = $7 AND `+leaseOwner+` = $8 AND lease_number = $9`,
		[]any{string(e.Transition.To), n.Attempts, n.ScheduledAttempts, microsOrNull(n.ScheduledAt), micros(tx.now), delivered,
			n.ID, n.Lease.Owner, n.Lease.Number}, mustChange)
}

// SetNotificationAside gives a notification up that is leased, as no outcome of it
// can be recorded: nothing is sent until somebody asks. It gives [model.ErrLeaseLost] when
// the lease is no longer the notification's.
func (tx *Tx) SetNotificationAside(n model.Notification) error {
	abandoned := model.NotificationLastAttemptFailed
	changed, err := tx.conn.Exec(`
		UPDATE notifications
		SET status = CASE WHEN status IN (`+quoted(abandoned.From)+`) THEN '`+string(abandoned.To)+`' ELSE status END,
		    scheduled_at = NULL, due_at = NULL, resend = FALSE, lease_owner = NULL, updated_at = $1
		WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`, micros(tx.now), n.ID, n.Lease.Owner, n.Lease.Number)
	if err == nil && changed == 0 {
		return model.ErrLeaseLost
	}
	return err
}

// attemptsTogether is how many attempts one statement inserts; see [runsTogether].
const attemptsTogether = 32

var insertOneAttempt, insertManyAttempts = insertAttempts(1), insertAttempts(attemptsTogether)

var attemptParameters = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}

func insertAttempts(number int) string {
	return `
		INSERT INTO notification_attempts (notification_id, number, cause, started_at, duration_ms, http_status, response, error,
		                                   next_attempt_at, request_headers, retry_after_ms)
		VALUES ` + rowsOfValues(number, "", attemptParameters, len(attemptParameters))
}

func (tx *Tx) insertAttempts(ended []EndedAttempt) error {
	for together := range slices.Chunk(ended, attemptsTogether) {
		values := make([]any, 0, len(together)*len(attemptParameters))
		for _, e := range together {
			values = attemptValues(values, e.Notification.ID, e.Attempt)
		}
		if len(together) == attemptsTogether {
			if err := tx.conn.Queue(insertManyAttempts, values, nil); err != nil {
				return err
			}
			continue
		}
		for one := range slices.Chunk(values, len(attemptParameters)) {
			if err := tx.conn.Queue(insertOneAttempt, one, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// attemptValues appends the parameters of an attempt.
func attemptValues(values []any, id string, a model.NotificationAttempt) []any {
	var status, retryAfter any
	if a.HTTPStatus != 0 {
		status = a.HTTPStatus
	}
	if a.RetryAfter != 0 {
		retryAfter = a.RetryAfter.Milliseconds()
	}
	return append(values, id, a.Number, string(a.Cause), micros(a.StartedAt), a.Duration.Milliseconds(), status,
		textOrNull(a.Response), textOrNull(a.Error), microsOrNull(a.NextAttemptAt), jsonOrNull(a.RequestHeaders), retryAfter)
}

// HoldNotification gives a leased notification back without an attempt, to wait
// until its subscription is switched on and a replay is asked for.
func (tx *Tx) HoldNotification(n model.Notification) error {
	return tx.conn.Queue(`
		UPDATE notifications
		SET status = CASE WHEN status IN (`+quoted(model.NotificationHolds.From)+`) THEN '`+string(model.NotificationHolds.To)+`' ELSE status END,
		    scheduled_at = NULL, due_at = NULL, resend = FALSE, lease_owner = NULL, updated_at = $1
		WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`,
		[]any{micros(tx.now), n.ID, n.Lease.Owner, n.Lease.Number}, mustChange)
}

// ReleaseNotifications gives leased notifications back, due at once, without an
// attempt.
func (tx *Tx) ReleaseNotifications(notifications []model.Notification) error {
	for _, n := range notifications {
		err := tx.conn.Queue(`
			UPDATE notifications SET lease_owner = NULL, due_at = $1, updated_at = $1
			WHERE id = $2 AND `+leaseOwner+` = $3 AND lease_number = $4`,
			[]any{micros(tx.now), n.ID, n.Lease.Owner, n.Lease.Number}, mustChange)
		if err != nil {
			return err
		}
	}
	return nil
}
