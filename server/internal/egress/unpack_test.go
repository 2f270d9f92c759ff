package egress_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/runhook/runhook/server/internal/egress"
)

func packed(t *testing.T, text string, writer func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var buffer bytes.Buffer
	w := writer(&buffer)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func gzipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func deflated(w io.Writer) io.WriteCloser {
	writer, _ := flate.NewWriter(w, flate.DefaultCompression)
	return writer
}

func unpack(coding string, body io.Reader) (string, error) {
	response := &http.Response{Header: http.Header{}, Body: io.NopCloser(body)}
	if coding != "" {
		response.Header.Set("Content-Encoding", coding)
	}
	text, err := io.ReadAll(egress.Unpack(response))
	return string(text), err
}

func TestABodyIsUnpacked(t *testing.T) {
	const text = `{"status":"SUCCESS","output":"grün"}`
	for _, test := range []struct{ name, coding, body, want string }{
		{"as it is", "", text, text},
		{"identity", "identity", text, text},
		{"gzip", "gzip", packed(t, text, gzipped), text},
		{"in capitals", " GZip ", packed(t, text, gzipped), text},
		{"by its old name", "x-gzip", packed(t, text, gzipped), text},
		{"deflate", "deflate", packed(t, text, zlibbed), text},
		{"deflate without a head", "deflate", packed(t, text, deflated), text},
		{"nothing as gzip", "gzip", "", ""},
		{"nothing as anything", "br", "", ""},
	} {
		if got, err := unpack(test.coding, iotest.OneByteReader(strings.NewReader(test.body))); err != nil || got != test.want {
			t.Errorf("%s: got %q and %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestABodyThatCannotBeUnpackedSaysWhy(t *testing.T) {
	whole := packed(t, strings.Repeat("abc", 100), gzipped)
	for _, test := range []struct{ name, coding, body, want string }{
		{"a coding that was not asked for", "br", "x", `encoded as "br"`},
		{"two codings", "gzip, br", "x", `encoded as "gzip, br"`},
		{"text as gzip", "gzip", "plain text", "gzip: invalid header"},
		{"one byte as gzip", "gzip", "x", "says that it is gzip"},
		{"half of it", "gzip", whole[:len(whole)/2], "unexpected EOF"},
		{"another sum", "gzip", whole[:len(whole)-8] + "12345678", "checksum"},
		{"text as deflate", "deflate", "plain text", "flate"},
	} {
		_, err := unpack(test.coding, strings.NewReader(test.body))
		if wrong, ok := errors.AsType[*egress.EncodingError](err); !ok || !strings.Contains(wrong.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
	broken := errors.New("the connection broke")
	_, err := unpack("gzip", io.MultiReader(strings.NewReader(whole[:20]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if _, ok := errors.AsType[*egress.EncodingError](err); ok {
		t.Errorf("a connection that broke is taken for a damaged body: %v", err)
	}
}

func TestOnlyAsMuchIsUnpackedAsIsRead(t *testing.T) {
	bomb := packed(t, strings.Repeat("\x00", 64<<20), gzipped)
	response := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(strings.NewReader(bomb))}
	text, err := io.ReadAll(io.LimitReader(egress.Unpack(response), 1000))
	if err != nil || len(text) != 1000 {
		t.Errorf("got %d bytes and %v", len(text), err)
	}
}
