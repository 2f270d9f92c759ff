package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// Notification is a notification as our own API returns it.
type Notification struct {
	ID           string                 `json:"id"`
	Kind         model.NotificationKind `json:"kind"`
	Sequence     int                    `json:"sequence"`
	SupersededAt *protocol.Time         `json:"supersededAt"`
	// SubscriptionID is empty when it is for none.
	SubscriptionID string                   `json:"subscriptionId"`
	RunID          string                   `json:"runId"`
	RunStatus      protocol.RunStatus       `json:"runStatus"`
	URL            string                   `json:"url"`
	Status         model.NotificationStatus `json:"status"`
	AttemptCount   int                      `json:"attemptCount"`
	DeliveredAt    *protocol.Time           `json:"deliveredAt"`
	NextAttemptAt  *protocol.Time           `json:"nextAttemptAt"`
	Payload        json.RawMessage          `json:"payload"`
	// Body is the payload as it is sent.
	Body     string    `json:"body"`
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one sending of a notification as our own API returns it.
type Attempt struct {
	Number         int               `json:"number"`
	Cause          string            `json:"cause"`
	StartedAt      protocol.Time     `json:"startedAt"`
	DurationInMs   int64             `json:"durationInMs"`
	Status         int               `json:"status"`
	Response       string            `json:"response"`
	Error          string            `json:"error"`
	NextAttemptAt  *protocol.Time    `json:"nextAttemptAt"`
	RetryAfterInMs int64             `json:"retryAfterInMs"`
	RequestHeaders map[string]string `json:"requestHeaders"`
}

const notificationsPath = "/api/runhook/v1/notifications"

// Notifications returns the notifications that a query lists, newest first, and
// where the next page begins.
func (c *Client) Notifications(query url.Values) ([]Notification, string) {
	c.t.Helper()
	var page struct {
		Notifications []Notification
		NextCursor    string
	}
	c.OK("GET", notificationsPath+"?"+query.Encode(), nil, &page)
	return page.Notifications, page.NextCursor
}

// Notification returns a notification with its attempts.
func (c *Client) Notification(id string) (n Notification) {
	c.t.Helper()
	c.OK("GET", notificationsPath+"/"+id, nil, &n)
	return n
}

// WaitAttempt waits until the nth attempt of a run's notification is recorded,
// and returns the notification.
func (c *Client) WaitAttempt(runID string, n int) (found Notification) {
	c.t.Helper()
	c.wait(fmt.Sprintf("attempt %d for run %s to be recorded", n, runID), func() bool {
		list, _ := c.Notifications(url.Values{"run": {runID}})
		if len(list) == 0 || list[0].AttemptCount < n {
			return false
		}
		found = c.Notification(list[0].ID)
		return true
	})
	return found
}

// Resend asks for a notification to be sent again.
func (c *Client) Resend(id string) Answer {
	c.t.Helper()
	return c.Do(http.MethodPost, notificationsPath+"/"+id+"/resend", nil)
}
