package listener_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/listener"
)

// door is a server in a bubble of virtual time.
type door struct {
	*testing.T
	network *network
	server  *listener.Server
	served  chan error
}

// open serves a handler. Limits that are not set are large.
func open(t *testing.T, config listener.Config) *door {
	t.Helper()
	if config.Connections == 0 {
		config.Connections = 100
	}
	if config.PerAddress == 0 {
		config.PerAddress = 100
	}
	config.Log = slog.New(slog.DiscardHandler)
	d := &door{T: t, network: newNetwork(), server: listener.New(config), served: make(chan error, 1)}
	go func() { d.served <- d.server.Serve(d.network) }()
	return d
}

// close stops the server, with all that is in progress.
func (d *door) close() {
	d.Helper()
	if err := d.server.Close(); err != nil {
		d.Error(err)
	}
	if err := <-d.served; !errors.Is(err, http.ErrServerClosed) {
		d.Errorf("serving ended with %v", err)
	}
	d.network.closeAll()
	time.Sleep(time.Minute) // what was being said comes to its end
}

// caller is a connection of someone.
type caller struct {
	*testing.T
	net.Conn
	answers *bufio.Reader
}

// call connects from an address.
func (d *door) call(address string) *caller {
	d.Helper()
	c := d.network.dial(address)
	synctest.Wait()
	return &caller{d.T, c, bufio.NewReader(c)}
}

// say writes to the server.
func (c *caller) say(text string) {
	c.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.Logf("cannot say %.40q: %v", text, err)
	}
	synctest.Wait()
}

// heard reads an answer; its status is 0 if the connection was closed.
func (c *caller) heard() (status int, message string) {
	c.Helper()
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var said struct{ Error string }
	if json.Unmarshal(text, &said) == nil {
		return response.StatusCode, said.Error
	}
	return response.StatusCode, string(text)
}

func (c *caller) want(status int) {
	c.Helper()
	if got, message := c.heard(); got != status {
		c.Errorf("answered %d %q, want %d", got, message, status)
	}
}

// closed reports whether the server has closed the connection.
func (c *caller) closed() bool {
	if err := c.SetReadDeadline(time.Now().Add(time.Nanosecond)); err != nil {
		return true
	}
	_, err := c.answers.Peek(1)
	return err != nil && !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

// echo answers with the size of what was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestTimeout)
		return
	}
	fmt.Fprint(w, len(text))
}

func TestManyWhoSayNothingLeaveTheServerToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(echo), Connections: 10})
		defer d.close()
		for i := range 40 {
			silent := d.call(fmt.Sprintf("192.0.2.%d", i))
			if i%2 == 0 {
				silent.say("GET / HTTP/1.1\r\nHost: h\r\n") // and no more
			}
		}
		for range 20 {
			valid := d.call("198.51.100.1")
			valid.say(get("/"))
			valid.want(200)
			valid.Close()
		}
	})
}

func TestManyWhoWithholdTheirBodiesLeaveTheServerToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(echo), Connections: 10})
		defer d.close()
		for i := range 40 {
			d.call(fmt.Sprintf("192.0.2.%d", i)).say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123456789")
		}
		valid := d.call("198.51.100.1")
		valid.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n12")
		valid.want(200)
	})
}

func TestAConnectionThatIsAnsweredIsNotClosedForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := open(t, listener.Config{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/wait" {
					<-release
				}
				fmt.Fprint(w, "ok")
			}),
			Connections: 3, Probe: func(r *http.Request) bool { return r.URL.Path == "/readyz" },
		})
		defer d.close()
		var working []*caller
		for range 3 {
			c := d.call("192.0.2.1")
			c.say(get("/wait"))
			working = append(working, c)
		}
		for i := range 40 {
			d.call(fmt.Sprintf("203.0.113.%d", i)) // and says nothing
		}
		probe := d.call("198.51.100.1")
		probe.say(get("/readyz"))
		probe.want(200)
		other := d.call("198.51.100.2")
		other.say(get("/"))
		if status, message := other.heard(); status != 503 || message == "" || !other.closed() {
			t.Errorf("another is answered %d %q", status, message)
		}
		close(release)
		for _, c := range working {
			c.want(200)
		}
	})
}

func TestAnAddressHasNoMoreConnectionsThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proxies, err := listener.ParseProxies("10.0.0.0/8")
		if err != nil {
			t.Fatal(err)
		}
		d := open(t, listener.Config{Handler: http.HandlerFunc(echo), Connections: 10, PerAddress: 2, Proxies: proxies})
		defer d.close()
		count := func(calls []*caller) (open int) {
			for _, c := range calls {
				if !c.closed() {
					open++
				}
			}
			return open
		}
		for name, c := range map[string]struct {
			address func(int) string
			want    int
		}{
			"an address":                  {func(int) string { return "192.0.2.1" }, 2},
			"a network of IPv6":           {func(i int) string { return fmt.Sprintf("2001:db8::%d", i+1) }, 2},
			"a proxy, which has many":     {func(int) string { return "10.0.0.1" }, 4},
			"several addresses, each one": {func(i int) string { return fmt.Sprintf("198.51.100.%d", i+1) }, 4},
		} {
			var calls []*caller
			for i := range 4 {
				calls = append(calls, d.call(c.address(i)))
			}
			if got := count(calls); got != c.want {
				t.Errorf("%s has %d connections, want %d", name, got, c.want)
			}
			for _, c := range calls {
				c.Close()
			}
			synctest.Wait()
		}
	})
}

func TestConnectionsThatHaveShownAKeyAreClosedLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Connections: 3, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/key" {
				listener.HasKey(r)
			}
			fmt.Fprint(w, "ok")
		})})
		defer d.close()
		app := d.call("192.0.2.1")
		app.say(get("/key"))
		app.want(200)
		idle := d.call("192.0.2.2")
		idle.say(get("/"))
		idle.want(200)
		for i := range 20 {
			d.call(fmt.Sprintf("203.0.113.%d", i)).say(get("/"))
		}
		if app.closed() || !idle.closed() {
			t.Errorf("closed are the one with a key: %v, the one without: %v", app.closed(), idle.closed())
		}
		app.SetReadDeadline(time.Time{})
		app.say(get("/key"))
		app.want(200)
	})
}

func TestRequestsOfAnAddressBehindAProxyAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proxies, err := listener.ParseProxies("10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		d := open(t, listener.Config{PerAddress: 2, Proxies: proxies, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				<-release
			}
			fmt.Fprint(w, "ok")
		})})
		defer d.close()
		ask := func(path, client string) *caller {
			c := d.call("10.0.0.1")
			c.say("GET " + path + " HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1, " + client + "\r\n\r\n")
			return c
		}
		held := []*caller{ask("/wait", "192.0.2.1"), ask("/wait", "192.0.2.1")}
		ask("/", "192.0.2.2").want(200)
		began := time.Now()
		ask("/", "192.0.2.1").want(503)
		if waited := time.Since(began); waited != 3*time.Second {
			t.Errorf("refused after %v", waited)
		}
		waiting := ask("/", "192.0.2.1")
		close(release)
		waiting.want(200)
		for _, c := range held {
			c.want(200)
		}
	})
}

func TestABodyMustArriveAtTheLeastRate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pause  time.Duration
		piece  string
		pieces int
		status int
	}{
		"nothing more":      {time.Hour, "x", 2, 408},
		"a byte a second":   {time.Second, "x", 100, 408},
		"just fast enough":  {time.Second, strings.Repeat("x", 4<<10), 40, 200},
		"fast":              {time.Millisecond, strings.Repeat("x", 4<<10), 40, 200},
		"a burst, and none": {15 * time.Second, strings.Repeat("x", 64<<10), 2, 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := open(t, listener.Config{Handler: http.HandlerFunc(echo)})
				defer d.close()
				slow := d.call("192.0.2.1")
				slow.say(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", len(c.piece)*c.pieces))
				go func() {
					for i := range c.pieces {
						if i > 0 {
							time.Sleep(c.pause)
						}
						if _, err := io.WriteString(slow, c.piece); err != nil {
							return
						}
					}
				}()
				slow.want(c.status)
				time.Sleep(2 * time.Hour) // until the other end has said all
			})
		})
	}
}

func TestABodyThatIsNotReadIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers string
		longest time.Duration
	}{
		"a short one":                           {"Content-Length: 1000\r\n", time.Second},
		"a long one":                            {"Content-Length: 1000000\r\n", 0},
		"one that waits to be asked for":        {"Content-Length: 1000\r\nExpect: 100-continue\r\n", 0},
		"a long one that waits to be asked for": {"Content-Length: 1000000\r\nExpect: 100-continue\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := open(t, listener.Config{Handler: http.NotFoundHandler()})
				defer d.close()
				slow := d.call("192.0.2.1")
				began := time.Now()
				slow.say("POST / HTTP/1.1\r\nHost: h\r\n" + c.headers + "\r\n")
				slow.want(404)
				if waited := time.Since(began); waited > c.longest {
					t.Errorf("answered after %v", waited)
				}
				if _, err := slow.answers.ReadByte(); err == nil || time.Since(began) > 10*time.Second {
					t.Errorf("the connection was kept for %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

func TestARequestMayBeWorkedOnForAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Minute) // before the body is read
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Errorf("read: %v", err)
			}
			time.Sleep(10 * time.Minute)
			if r.Context().Err() != nil {
				t.Errorf("the caller is said to be gone: %v", r.Context().Err())
			}
			for range 20 {
				time.Sleep(time.Minute) // as a stream of events
				fmt.Fprint(w, "event")
				w.(http.Flusher).Flush()
			}
		})})
		defer d.close()
		c := d.call("192.0.2.1")
		c.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n12")
		c.want(200)
		// And the connection is as good as new.
		c.say(get("/"))
		c.want(200)
	})
}

func TestAReaderWhoIsTooSlowIsCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size  int
		pause time.Duration
		cut   bool
	}{
		"who does not read":    {1 << 20, 24 * time.Hour, true},
		"a byte a second":      {1 << 20, time.Second, true},
		"who reads":            {1 << 20, 0, false},
		"a stream that is not": {10, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				written := make(chan error, 1)
				d := open(t, listener.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err := w.Write(make([]byte, c.size))
					if err == nil {
						err = http.NewResponseController(w).Flush()
					}
					written <- err
				})})
				defer d.close()
				slow := d.call("192.0.2.1")
				slow.say(get("/"))
				reading, stop := context.WithCancel(t.Context())
				go func() {
					buffer := make([]byte, 1)
					if c.pause == 0 {
						buffer = make([]byte, 64<<10)
					}
					for reading.Err() == nil {
						select {
						case <-time.After(c.pause):
						case <-reading.Done():
							return
						}
						if _, err := slow.Read(buffer); err != nil {
							return
						}
					}
				}()
				began := time.Now()
				if err := <-written; (err != nil) != c.cut {
					t.Errorf("cut off is %v after %v, want %v", err, time.Since(began), c.cut)
				}
				stop()
				slow.Close()
			})
		})
	}
}

func TestHeadersAreLimited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers string
		status  int
	}{
		"99 lines":        {strings.Repeat("A: b\r\n", 98), 200},
		"101 lines":       {strings.Repeat("A: b\r\n", 101), 431},
		"60 KiB":          {"A: " + strings.Repeat("b", 60<<10) + "\r\n", 200},
		"66 KiB":          {"A: " + strings.Repeat("b", 66<<10) + "\r\n", 431},
		"1 MiB":           {"A: " + strings.Repeat("b", 1<<20) + "\r\n", 431},
		"100,000 headers": {strings.Repeat("A: b\r\n", 100_000), 431},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := open(t, listener.Config{Handler: http.HandlerFunc(echo)})
				defer d.close()
				asking := d.call("192.0.2.1")
				go io.WriteString(asking, "GET / HTTP/1.1\r\nHost: h\r\n"+c.headers+"\r\n")
				if status, message := asking.heard(); status != c.status || status == 431 && !strings.Contains(message, "100 lines") {
					t.Errorf("answered %d %q, want %d", status, message, c.status)
				}
			})
		})
	}
}

func TestAHeaderThatDoesNotEndIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, listener.Config{Handler: http.HandlerFunc(echo)})
		defer d.close()
		slow := d.call("192.0.2.1")
		go func() {
			for range 100 {
				if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n"[:1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		began := time.Now()
		if status, _ := slow.heard(); status == 200 || time.Since(began) > 15*time.Second {
			t.Errorf("answered %d after %v", status, time.Since(began))
		}
		time.Sleep(2 * time.Minute)
	})
}
