package listener

import (
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Rates are the least that is expected of callers.
type Rates struct {
	// BodyTime is how long the server waits for a body that does not come; it waits
	// that long again when BodyRate bytes have come for each second that it waited.
	BodyTime time.Duration
	BodyRate int64
	// AnswerPiece bytes of an answer must be taken within AnswerTime.
	AnswerPiece int
	AnswerTime  time.Duration
	// HeaderTime is how long the header of a request may take, and a TLS handshake,
	// and IdleTime how long a connection may be idle.
	HeaderTime, IdleTime time.Duration
}

// DefaultRates are slow enough for a bad mobile network: 4 KiB/s for bodies and
// 3.2 KiB/s for answers.
var DefaultRates = Rates{
	BodyTime: 10 * time.Second, BodyRate: 4 << 10,
	AnswerPiece: 64 << 10, AnswerTime: 20 * time.Second,
	HeaderTime: 10 * time.Second, IdleTime: 2 * time.Minute,
}

const (
	// reserve is how many connections above the limit are kept for probes while all
	// others are being answered.
	reserve = 16
	// sendBuffer is how much of an answer, in bytes, the kernel keeps for a reader
	// who is slow: enough for a fast one, and less than the kernel's own limit.
	sendBuffer = 256 << 10
	// reportEvery is how often connections that were closed for others are logged.
	reportEvery = time.Minute
)

// limited is a listener whose connections are within the limits.
type limited struct {
	net.Listener
	caps    *caps
	rates   Rates
	proxies Proxies
	log     *slog.Logger
	// reported is when connections that were closed for others were last logged, and already
	// how many there were until then.
	reported time.Time
	already  int
}

// Accept implements [net.Listener]. It is called by one goroutine.
func (l *limited) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &connection{Conn: accepted, caps: l.caps, rates: l.rates, address: l.group(accepted)}
		if tcp, ok := accepted.(*net.TCPConn); ok {
			_ = tcp.SetWriteBuffer(sendBuffer) // or the kernel's own size
		}
		admitted := l.caps.admit(c)
		l.report()
		if admitted {
			return c, nil
		}
		_ = accepted.Close() // nothing was said on it
	}
}

// group is the address that a connection counts for; none for a trusted proxy's,
// whose clients are distinguished by their requests.
func (l *limited) group(c net.Conn) netip.Addr {
	address := peerAddress(c.RemoteAddr().String())
	if l.proxies.Trust(address) {
		return netip.Addr{}
	}
	return Group(address)
}

// report logs that there are too many connections, once in a while.
func (l *limited) report() {
	given, refused, open := l.caps.pressure()
	now := time.Now()
	if given+refused == l.already || now.Sub(l.reported) < reportEvery {
		return
	}
	l.log.Warn("too many connections: some were closed in favour of others", "closed", given+refused-l.already, "open", open,
		"limit", l.caps.total, "limit_per_address", l.caps.perAddress)
	l.reported, l.already = now, given+refused
}
