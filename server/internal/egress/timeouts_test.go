package egress_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// short is a time-out that a test waits for. Nothing rests on how long it is.
const short = 50 * time.Millisecond

func TestConnectingEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	guard := egress.New(egress.Config{DialTimeout: short, Resolver: &net.Resolver{PreferGo: true, Dial: silent}})
	defer guard.Close()
	response, err := guard.Client(protocol.Production).Get("http://never-resolved.test/")
	if err == nil {
		response.Body.Close()
	}
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("error %v, want a time-out", err)
	}
}

func TestAHandshakeEndsWithItsTimeout(t *testing.T) {
	t.Parallel()
	guard := egress.New(egress.Config{TLSTimeout: short})
	defer guard.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never reads
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	response, err := guard.Client(protocol.Development).Get("https://" + listener.Addr().String() + "/")
	if err == nil {
		response.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "TLS handshake timeout") {
		t.Errorf("error %v, want a time-out of the handshake", err)
	}
}
