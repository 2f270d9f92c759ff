package client_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/client"
)

func TestValuesAreStoredForTheEnvironment(t *testing.T) {
	server, c := newClient(t)
	ctx := t.Context()
	var value line
	if found, err := c.GetValue(ctx, "a/b", &value); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if err := c.SetValue(ctx, "a/b", line{3}); err != nil {
		t.Fatal(err)
	}
	if found, err := c.GetValue(ctx, "a/b", &value); !found || err != nil || value.Quantity != 3 {
		t.Errorf("found %v, %+v, %v", found, value, err)
	}
	set := server.Requests()[1]
	if set.Method+set.Path != "PUT/api/v1/store/a%2Fb" || set.Body != `{"quantity":3}` || set.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("sent %+v", set)
	}
	for _, want := range []bool{true, false} {
		if deleted, err := c.DeleteValue(ctx, "a/b"); deleted != want || err != nil {
			t.Errorf("deleted %v, %v", deleted, err)
		}
	}
}

func TestWhatCannotBeStored(t *testing.T) {
	server, c := newClient(t)
	ctx := t.Context()
	if err := c.SetValue(ctx, "k", make(chan int)); errorText(err) != `set value "k": encode the value as JSON: json: unsupported type: chan int` {
		t.Errorf("error %v", err)
	}
	if err := c.SetValue(ctx, "k", strings.Repeat("x", 256<<10)); errorText(err) != `set value "k": the value has 262146 characters, and 262144 are allowed` {
		t.Errorf("error %v", err)
	}
	if err := c.SetValue(ctx, "k", "text"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetValue(ctx, "k", new(int)); !strings.Contains(errorText(err), "the value does not fit a *int") {
		t.Errorf("error %v", err)
	}
	server.Fail("/k", 403, 3)
	var refused *client.APIError
	if _, err := c.GetValue(ctx, "k", new(int)); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
}
