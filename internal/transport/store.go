package transport

import (
	"context"
	"fmt"
	"unicode/utf16"
)

// maxValueUnits bounds a value: UTF-16 code units of its JSON.
const maxValueUnits = 256 << 10

// CheckValue returns an error if a value is longer than the store takes.
func CheckValue(text []byte) error {
	if units := len(utf16.Encode([]rune(string(text)))); units > maxValueUnits {
		return fmt.Errorf("the value has %d characters, and %d are allowed", units, maxValueUnits)
	}
	return nil
}

// GetValue returns a value of the key-value store; found is false if there is none.
func (c *Client) GetValue(ctx context.Context, key string) (value string, found bool, err error) {
	var answer struct {
		Value string `json:"value"`
	}
	err = c.Call(ctx, "GET", Path("/api/v1/store/", key), nil, &answer)
	return answer.Value, answer.Value != "", err
}

// SetValue sets a value of the key-value store.
func (c *Client) SetValue(ctx context.Context, key, value string) error {
	return c.Call(ctx, "PUT", Path("/api/v1/store/", key), Text(value), &struct{}{}, "Content-Type", "text/plain")
}

// DeleteValue deletes a value of the key-value store, and reports whether there was one.
func (c *Client) DeleteValue(ctx context.Context, key string) (bool, error) {
	var answer struct {
		Deleted bool `json:"deleted"`
	}
	err := c.Call(ctx, "DELETE", Path("/api/v1/store/", key), nil, &answer)
	return answer.Deleted, err
}
