package postgres

import (
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// connectTimeout bounds the attempt to connect to each of the servers that the
	// URL names, so that one whose machine is gone does not keep from the next.
	connectTimeout = 5 * time.Second
	// silence is after how long a machine that acknowledges nothing is taken to be
	// gone: one that lost its power says no goodbye.
	silence = 10 * time.Second
)

// prepare fills in what the URL leaves open of how to connect.
func prepare(url string, connection *pgx.ConnConfig) {
	if connection.ConnectTimeout == 0 {
		connection.ConnectTimeout = connectTimeout
	}
	if connection.RuntimeParams["application_name"] == "" {
		connection.RuntimeParams["application_name"] = "runhook"
	}
	// Whatever its role or its environment says: our text is UTF-8.
	connection.RuntimeParams["client_encoding"] = "UTF8"
	// A server that takes no writes is of no use, unless to those who say so and only
	// look: it is a standby, or was replaced.
	if !strings.Contains(url, "target_session_attrs") {
		connection.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	connection.DialFunc = dialer().DialContext
}

// dialer returns what connects to servers, so that both a connection that waits for
// an answer and one that cannot get rid of a question notice when the machine is gone.
func dialer() *net.Dialer {
	const interval = silence / 5
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence - 3*interval, Interval: interval, Count: 3},
		Control:         limitSilence,
	}
}
