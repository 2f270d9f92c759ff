package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/terminal"
)

const notificationsPath = "/api/runhook/v1/notifications"

// notification is a notification as the server tells it.
type notification struct {
	ID             string         `json:"id"`
	Kind           string         `json:"kind"`
	RunID          string         `json:"runId"`
	RunStatus      string         `json:"runStatus"`
	Sequence       int            `json:"sequence"`
	SupersededAt   *protocol.Time `json:"supersededAt"`
	SubscriptionID string         `json:"subscriptionId"`
	URL            string         `json:"url"`
	EndpointID     string         `json:"endpointId"`
	Status         string         `json:"status"`
	AttemptCount   int            `json:"attemptCount"`
	CreatedAt      *protocol.Time `json:"createdAt"`
	NextAttemptAt  *protocol.Time `json:"nextAttemptAt"`
	// Body is the payload as it is sent.
	Body     string    `json:"body"`
	Attempts []attempt `json:"attempts"`
}

func (n notification) to() string {
	if n.URL == "" {
		return "the app"
	}
	return terminal.Printable(n.URL)
}

// NotificationQuery says which notifications to list, and how many.
type NotificationQuery struct {
	Run, Subscription, Status, Cursor string
	// Take is how many to list at most; zero is as many as the server likes.
	Take int
}

func (q NotificationQuery) encode() string {
	values := url.Values{}
	for name, value := range map[string]string{"run": q.Run, "subscription": q.Subscription, "status": q.Status, "cursor": q.Cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Take > 0 {
		values.Set("take", strconv.Itoa(q.Take))
	}
	return values.Encode()
}

// ListNotifications shows a page of notifications, newest first.
func (c *Console) ListNotifications(ctx context.Context, query NotificationQuery) error {
	var page struct {
		Notifications []notification `json:"notifications"`
		NextCursor    string         `json:"nextCursor"`
	}
	if done, err := c.ask(ctx, http.MethodGet, notificationsPath+"?"+query.encode(), nil, &page); done || err != nil {
		return err
	}
	if len(page.Notifications) == 0 {
		return c.line("No notifications.")
	}
	rows := [][]string{{"ID", "STATUS", "CREATED", "RUN", "ENDED AS", "ATTEMPTS", "NEXT", "TO"}}
	for _, n := range page.Notifications {
		rows = append(rows, []string{n.ID, n.Status, moment(n.CreatedAt), orDash(n.RunID), orDash(n.RunStatus),
			strconv.Itoa(n.AttemptCount), moment(n.NextAttemptAt), n.to()})
	}
	if err := c.table(rows); err != nil || page.NextCursor == "" {
		return err
	}
	return c.line("\nThere are more: --cursor %s", page.NextCursor)
}

// GetNotification shows a notification with every attempt.
func (c *Console) GetNotification(ctx context.Context, id string) error {
	var n notification
	if done, err := c.ask(ctx, http.MethodGet, notificationPath(id), nil, &n); done || err != nil {
		return err
	}
	return c.showNotification(n)
}

// GetPayload writes the payload of a notification, byte for byte as it is sent, and
// nothing else.
func (c *Console) GetPayload(ctx context.Context, id string) error {
	answer, err := c.Server.Call(ctx, http.MethodGet, notificationPath(id), nil)
	if err != nil {
		return c.Server.Explain(err)
	}
	var n notification
	if err := json.Unmarshal(answer, &n); err != nil || n.Body == "" {
		return errors.Join(fmt.Errorf("%s answers, but without a payload", c.Server.Base()), err)
	}
	_, err = io.WriteString(c.Out, n.Body)
	return err
}

// Resend sends a notification again at once.
func (c *Console) Resend(ctx context.Context, id string) error {
	var n notification
	if done, err := c.ask(ctx, http.MethodPost, notificationPath(id)+"/resend", nil, &n); done || err != nil {
		return err
	}
	return c.line("%s is being sent again to %s. See how it goes: runhook notifications get %s", n.ID, n.to(), n.ID)
}

func notificationPath(id string) string { return notificationsPath + "/" + url.PathEscape(id) }

// ReplayOrder says which undelivered notifications to send again. One of
// Destination, of which the origin counts, and Subscription is set. Until and
// Status may be empty.
type ReplayOrder struct {
	Destination  string     `json:"destination,omitempty"`
	Subscription string     `json:"subscription,omitempty"`
	Since        time.Time  `json:"since"`
	Until        *time.Time `json:"until,omitempty"`
	// Status is failed, which is usual, or held.
	Status string `json:"status,omitempty"`
}

// Replay has all notifications that an order describes sent again.
func (c *Console) Replay(ctx context.Context, order ReplayOrder) error {
	var answer struct {
		Replayed int `json:"replayed"`
	}
	if done, err := c.ask(ctx, http.MethodPost, notificationsPath+"/replay", order, &answer); done || err != nil {
		return err
	}
	return c.line("%s being sent again.", plural(answer.Replayed, "notification is", "notifications are"))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
