package runhook

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/client"
)

// Register registers the app at url with the server, and returns when the server knows
// all its jobs. The app must already be serving there: the server calls it for its list
// of jobs. Register again after a deploy that changed them. See [client.Client.RegisterApp]
// for more than that.
func (a *App) Register(ctx context.Context, url string) error {
	c, err := a.Client()
	if err != nil {
		return fmt.Errorf("register app %q at %s: %w", a.id, url, err)
	}
	_, err = c.RegisterApp(ctx, client.AppRegistration{ID: a.id, URL: url})
	return err
}
