package listener_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/listener"
)

// refusing refuses every request unread, and takes those with the header Key for ones
// with a valid key.
func refusing(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Key") != "" {
		listener.HasKey(r)
	}
	w.Header().Set("Content-Length", "7")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	io.WriteString(w, "refused")
}

// send writes a body of so many mebibytes, with a pause after each, and returns how
// many were taken.
func (c *caller) send(mebibytes int, pause time.Duration) (sent int) {
	piece := strings.Repeat("x", 1<<20)
	for sent < mebibytes {
		if _, err := io.WriteString(c, piece); err != nil {
			return sent
		}
		sent++
		time.Sleep(pause)
	}
	return sent
}

func TestARefusedBodyIsReceivedToItsEndFromWhomHasAKey(t *testing.T) {
	t.Parallel()
	const withKey = "Key: valid\r\n"
	for name, c := range map[string]struct {
		headers string
		size    int
		pause   time.Duration
		// least and most are how much of it is received, in MiB.
		least, most int
		// longest is when the answer is there, and kept whether the connection is kept.
		longest time.Duration
		kept    bool
	}{
		"a large body":                 {withKey, 17, 0, 17, 17, 0, true},
		"a large body of a stranger":   {"", 17, 0, 0, 1, 0, false},
		"the most that is received":    {withKey, 64, 0, 64, 64, 0, true},
		"more than that":               {withKey, 80, 0, 64, 65, 0, false},
		"one that takes minutes":       {withKey, 30, 9 * time.Second, 4, 4, 5 * time.Second, false},
		"one that takes half a minute": {withKey, 30, time.Second, 30, 30, 5 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := open(t, listener.Config{Handler: http.HandlerFunc(refusing)})
				defer d.close()
				asking := d.call("192.0.2.1")
				began := time.Now()
				asking.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n", c.headers, c.size<<20))
				sent := make(chan int)
				go func() { sent <- asking.send(c.size, c.pause) }()
				asking.want(http.StatusRequestEntityTooLarge)
				if waited := time.Since(began); waited > c.longest {
					t.Errorf("answered after %v", waited)
				}
				if got := <-sent; got < c.least || got > c.most {
					t.Errorf("%d MiB were received", got)
				}
				if asking.closed() == c.kept {
					t.Errorf("the connection is kept: %v", !c.kept)
				}
			})
		})
	}
}

func TestARefusedBodyThatIsTooSlowIsNotReceivedToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(refusing)})
		defer d.close()
		slow := d.call("192.0.2.1")
		began := time.Now()
		slow.say("POST / HTTP/1.1\r\nHost: h\r\nKey: valid\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nx")
		slow.want(http.StatusRequestEntityTooLarge)
		if waited := time.Since(began); waited > 5*time.Second {
			t.Errorf("answered after %v", waited)
		}
	})
}

func TestARefusedBodyIsNotAskedForToBeReceived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(refusing)})
		defer d.close()
		asking := d.call("192.0.2.1")
		asking.say("POST / HTTP/1.1\r\nHost: h\r\nKey: valid\r\nExpect: 100-continue\r\nContent-Length: 17000000\r\n\r\n")
		asking.want(http.StatusRequestEntityTooLarge)
	})
}

func TestTheKeyOfARequestIsNoFavourToTheNextOnItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(refusing)})
		defer d.close()
		shared := d.call("192.0.2.1") // as a proxy's
		shared.say("GET / HTTP/1.1\r\nHost: h\r\nKey: valid\r\n\r\n")
		shared.want(http.StatusRequestEntityTooLarge)
		shared.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 17<<20))
		sent := make(chan int)
		go func() { sent <- shared.send(17, 0) }()
		shared.want(http.StatusRequestEntityTooLarge)
		if got := <-sent; got > 1 {
			t.Errorf("%d MiB were received", got)
		}
	})
}
