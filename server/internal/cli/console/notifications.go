package console

import (
	"context"
	"fmt"
	"strconv"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/server/internal/cli/terminal"
)

// target is where a notification goes, for people.
func target(n *client.Notification) string {
	if n.URL == "" {
		return "the app"
	}
	return terminal.Printable(n.URL)
}

// ListNotifications shows a page of notifications, newest first.
func (c *Console) ListNotifications(ctx context.Context, filter client.NotificationFilter, request client.PageRequest) error {
	page, err := c.Server.PageOfNotifications(ctx, filter, request)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return c.line("No notifications.")
	}
	rows := [][]string{{"ID", "STATUS", "CREATED", "RUN", "ENDED AS", "ATTEMPTS", "NEXT", "TO"}}
	for _, n := range page.Items {
		rows = append(rows, []string{n.ID, string(n.Status), moment(n.CreatedAt), orDash(n.RunID), orDash(string(n.RunStatus)),
			strconv.Itoa(n.AttemptCount), moment(n.NextAttemptAt), target(n)})
	}
	if err := c.table(rows); err != nil || page.NextCursor == "" {
		return err
	}
	return c.line("\nThere are more: --cursor %s", page.NextCursor)
}

// GetNotification shows a notification with every attempt.
func (c *Console) GetNotification(ctx context.Context, id string) error {
	n, err := c.Server.GetNotification(ctx, id)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return c.showNotification(n)
}

// GetPayload writes the payload of a notification, byte for byte as it is sent, and
// nothing else.
func (c *Console) GetPayload(ctx context.Context, id string) error {
	n, err := c.Server.GetNotification(ctx, id)
	if err != nil {
		return c.Server.Explain(err)
	}
	if len(n.Payload) == 0 {
		return fmt.Errorf("%s answers, but without a payload", c.Server.APIURL())
	}
	_, err = c.Out.Write(n.Payload)
	return err
}

// Resend sends a notification again at once.
func (c *Console) Resend(ctx context.Context, id string) error {
	n, err := c.Server.ResendNotification(ctx, id)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return c.line("%s is being sent again to %s. See its attempts: runhook notifications get %s", n.ID, target(n), n.ID)
}

// Replay has all notifications that match a filter sent again.
func (c *Console) Replay(ctx context.Context, filter client.ReplayFilter) error {
	replayed, err := c.Server.ReplayNotifications(ctx, filter)
	if done, err := c.answered(err); done || err != nil {
		return err
	}
	return c.line("%s being sent again.", plural(replayed, "notification is", "notifications are"))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
