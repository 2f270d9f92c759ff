package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/runhook/runhook/internal/transport"
)

const setAsidePath = ownAPI + "/set-aside"

// SetAside is why and since when the server does not work on a row any more: the work on
// it ended its worker each time it was tried.
type SetAside struct {
	// At is when it was set aside, Error what ended its worker the last time.
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// A SetAsideRow is a row of the server's that is set aside.
type SetAsideRow struct {
	SetAside
	// Kind is what the row is, such as "runs" or "notifications", and ID its ID among
	// those.
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// ListSetAside returns the rows of the environment that are set aside, up to 100 of each
// kind.
func (c *Client) ListSetAside(ctx context.Context) iter.Seq2[*SetAsideRow, error] {
	return allPages(func(request PageRequest) (Page[*SetAsideRow], error) {
		return getPage(ctx, c, setAsidePath, "setAside", url.Values{}, request, itself[SetAsideRow])
	})
}

// ReleaseSetAside has the server work on a row again that is set aside, at once. The error
// for a row that is not set aside is an [*APIError] with status 404.
//
// The request is made once: if there is no answer, [Client.ListSetAside] says whether the
// row is still set aside.
func (c *Client) ReleaseSetAside(ctx context.Context, kind, id string) error {
	if err := c.transport.CallOnce(ctx, "POST", transport.Path(setAsidePath+"/", kind, "/", id, "/release"), nil, &struct{}{}); err != nil {
		return fmt.Errorf("release %s of the kind %q, which is set aside: %w", id, kind, err)
	}
	return nil
}
