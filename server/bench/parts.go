package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// parts are what this program does as a child of itself. A part prints the URL
// it serves at and ends when its standard input does, which also happens when
// its parent dies.
var parts = map[string]func(ctx context.Context, arguments []string) error{
	partApp:  playApp,
	partHops: playHops,
	partBare: playBare,
}

// The parts' names.
const (
	partApp  = "as-app"
	partHops = "as-hops"
	partBare = "as-bare-client"
)

func playApp(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet(partApp, flag.ContinueOnError)
	kind := flags.String("kind", appSDK, "which app")
	server := flags.String("server", "", "URL of the server")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	handler, err := newApp(*kind, *server, nil)
	if err != nil {
		return err
	}
	return serveUntilEnd(ctx, handler)
}

func playHops(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet(partHops, flag.ContinueOnError)
	callback := flags.String("callback", "", "URL of the receiver")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return serveUntilEnd(ctx, newHops(*callback))
}

func serveUntilEnd(ctx context.Context, handler http.Handler) error {
	listening, err := listen(handler)
	if err != nil {
		return err
	}
	fmt.Println(listening.url)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, os.Stdin)
	}()
	select {
	case <-ended:
	case <-ctx.Done(): // the same Ctrl-C reaches the parent, which closes our input
		<-ended
	}
	return listening.stop()
}

// service is a handler that is being served in this process.
type service struct {
	url    string
	server *http.Server
	done   chan error
}

func listen(handler http.Handler) (*service, error) {
	return serve("http", &http.Server{Handler: handler}, (*http.Server).Serve)
}

// listenSecurely is listen over HTTPS, with HTTP/2 for those who want it.
func listenSecurely(handler http.Handler, certificate tls.Certificate) (*service, error) {
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	return serve("https", server, func(s *http.Server, l net.Listener) error { return s.ServeTLS(l, "", "") })
}

func serve(scheme string, server *http.Server, on func(*http.Server, net.Listener) error) (*service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &service{url: scheme + "://" + listener.Addr().String(), server: server, done: make(chan error, 1)}
	go func() { s.done <- on(server, listener) }()
	return s, nil
}

func (s *service) stop() error {
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// companion is an app or a floor's server that runs beside this process, or
// inside it.
type companion struct {
	url     string
	pid     int // 0 inside this process
	service *service
	client  *http.Client // whose connections end with it; may be nil
	command *exec.Cmd
	input   io.Closer
}

// startPart starts a child process that plays a part.
func startPart(part string, arguments ...string) (*companion, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, append([]string{part}, arguments...)...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", part, err)
	}
	c := &companion{command: command, input: input, pid: command.Process.Pid}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: it said nothing: %w", part, err), c.stop())
	}
	c.url = strings.TrimSpace(line)
	return c, nil
}

func startInside(handler http.Handler) (*companion, error) {
	s, err := listen(handler)
	if err != nil {
		return nil, err
	}
	return &companion{url: s.url, service: s}, nil
}

func (c *companion) stop() error {
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	if c.service != nil {
		return c.service.stop()
	}
	c.input.Close()
	timer := time.AfterFunc(10*time.Second, func() { c.command.Process.Kill() })
	defer timer.Stop()
	return c.command.Wait()
}

// startApp starts the app that holds the jobs.
func (b *bench) startApp(kind, serverURL string) (*companion, error) {
	if !b.options.inProcess {
		return startPart(partApp, "-kind", kind, "-server", serverURL)
	}
	client := newClient()
	handler, err := newApp(kind, serverURL, client)
	if err != nil {
		return nil, err
	}
	c, err := startInside(handler)
	if err == nil {
		c.client = client
	}
	return c, err
}

// newClient returns a client that keeps enough connections open.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true},
		Timeout:   patience,
	}
}
