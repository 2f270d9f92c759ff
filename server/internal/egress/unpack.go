package egress

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// AcceptEncoding is the Accept-Encoding of requests whose answers are read by
// [Unpack]. An answer in any other coding is not what was asked for.
const AcceptEncoding = "gzip"

// EncodingError says that a body is not in the coding that its Content-Encoding
// names, or in one that is not known.
type EncodingError struct {
	// Coding is what the answer named, in lower case and of bounded length.
	Coding string
	// Cause is what is wrong with the body; nil if the coding is not known.
	Cause error
}

// Error says what is wrong with the answer.
func (e *EncodingError) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("the answer is encoded as %q, which was not asked for; send gzip, or the body as it is", e.Coding)
	}
	return fmt.Sprintf("the answer says that it is %s, but cannot be unpacked: %v", e.Coding, e.Cause)
}

// Unpack returns a reader of an answer's body without its Content-Encoding: gzip
// and deflate are unpacked as they are read, so that a caller that limits what is read
// limits memory, too. An empty body is empty in every coding. Reading gives an
// [*EncodingError] for a body that cannot be unpacked, and the connection's own
// errors as they are. The caller still closes the body.
func Unpack(response *http.Response) io.Reader {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(response.Header.Values("Content-Encoding"), ",")))
	open := map[string]func(*bufio.Reader) (io.Reader, error){"gzip": openGzip, "x-gzip": openGzip, "deflate": openDeflate}[coding]
	if coding == "" || coding == "identity" {
		return response.Body
	}
	const longest = 40
	return &unpacking{coding: coding[:min(len(coding), longest)], open: open, packed: packed{body: response.Body}}
}

func openGzip(from *bufio.Reader) (io.Reader, error) { return gzip.NewReader(from) }

// openDeflate reads both what is called deflate: zlib, and raw deflate, which some
// servers send.
func openDeflate(from *bufio.Reader) (io.Reader, error) {
	head, err := from.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(from)
	}
	return flate.NewReader(from), nil
}

// unpacking is a body that is unpacked from its first read on.
type unpacking struct {
	coding string
	open   func(*bufio.Reader) (io.Reader, error) // nil for a coding that is not known
	packed packed
	plain  io.Reader
}

// Read implements io.Reader.
func (u *unpacking) Read(p []byte) (int, error) {
	if u.plain == nil {
		if err := u.begin(); err != nil {
			return 0, u.explain(err)
		}
	}
	n, err := u.plain.Read(p)
	return n, u.explain(err)
}

func (u *unpacking) begin() error {
	buffered := bufio.NewReader(&u.packed)
	if _, err := buffered.Peek(1); err != nil {
		return err
	}
	if u.open == nil {
		return &EncodingError{Coding: u.coding}
	}
	plain, err := u.open(buffered)
	if err == nil {
		u.plain = plain
	}
	return err
}

// explain says what is wrong with the body from what happened to the connection.
func (u *unpacking) explain(err error) error {
	switch {
	case u.packed.broken != nil && err != nil:
		return u.packed.broken
	case err == nil:
		return nil
	case errors.Is(err, io.EOF) && (u.plain != nil || u.packed.length == 0):
		return io.EOF
	}
	if _, ok := errors.AsType[*EncodingError](err); ok {
		return err
	}
	return &EncodingError{Coding: u.coding, Cause: err}
}

// packed is a body as it came, and what broke it off.
type packed struct {
	body   io.Reader
	length int
	broken error
}

// Read implements io.Reader.
func (p *packed) Read(into []byte) (int, error) {
	n, err := p.body.Read(into)
	p.length += n
	if err != nil && err != io.EOF {
		p.broken = err
	}
	return n, err
}
