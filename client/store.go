package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/internal/transport"
)

// GetValue decodes a value of the environment's key-value store into target, a pointer,
// and reports whether there is one.
func (c *Client) GetValue(ctx context.Context, key string, target any) (bool, error) {
	text, found, err := c.transport.GetValue(ctx, key)
	if err == nil && found {
		if err = json.Unmarshal([]byte(text), target); err != nil {
			err = fmt.Errorf("the value does not fit a %T: %w", target, err)
		}
	}
	if err != nil {
		return false, fmt.Errorf("get value %q: %w", key, err)
	}
	return found, nil
}

// SetValue sets a value of the environment's key-value store: anything that encodes as at
// most 256 KiB of JSON.
func (c *Client) SetValue(ctx context.Context, key string, value any) error {
	text, err := jsontext.Encode(value)
	if err != nil {
		return fmt.Errorf("set value %q: encode the value as JSON: %w", key, err)
	}
	if err = transport.CheckValue(text); err == nil {
		err = c.transport.SetValue(ctx, key, string(text))
	}
	if err != nil {
		return fmt.Errorf("set value %q: %w", key, err)
	}
	return nil
}

// DeleteValue deletes a value of the environment's key-value store, and reports whether
// there was one.
func (c *Client) DeleteValue(ctx context.Context, key string) (bool, error) {
	deleted, err := c.transport.DeleteValue(ctx, key)
	if err != nil {
		return false, fmt.Errorf("delete value %q: %w", key, err)
	}
	return deleted, nil
}
