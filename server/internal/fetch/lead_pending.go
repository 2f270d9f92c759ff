package fetch

// Temporary, by the lead, so that others can build: delete this file as soon as
// you write these.

import (
	"context"
	"encoding/json"
)

func ParseFetch(json.RawMessage) (any, error)                  { return nil, nil }
func ParsePoll(json.RawMessage) (any, error)                   { return nil, nil }
func failed(message string) Outcome                            { return Outcome{Kind: Failed} }
func (c *Client) fetch(context.Context, Task, any) Outcome     { return Outcome{Kind: Failed} }
func (c *Client) poll(context.Context, Task, any) Outcome      { return Outcome{Kind: Failed} }
