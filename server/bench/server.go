package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/server"
)

// encryptionKey is what the server encrypts secrets with. Only its length counts.
var encryptionKey = strings.Repeat("0123456789abcdef", 4)

// subject is the Runhook server that is being measured.
type subject struct {
	url string
	pid int // 0 inside this process
	// startUp is how long it took from exec until it was ready.
	startUp time.Duration
	stop    func() error
}

// startServer starts a server on a database. wrapper, if not empty, is a command
// line that runs it.
func (b *bench) startServer(ctx context.Context, database string, wrapper []string) (*subject, error) {
	if b.options.inProcess {
		return b.startServerInside(ctx, database)
	}
	arguments := append(wrapper, b.program, "serve", "--addr", "127.0.0.1:0", "--db", database, "--log-format", "json")
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(withoutSettings(os.Environ()), "RUNHOOK_DEV_API_KEY="+apiKey, "RUNHOOK_ENCRYPTION_KEY="+encryptionKey, "SSL_CERT_FILE="+b.identity.file)
	complaints, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	watching := watch(complaints)
	s := &subject{pid: command.Process.Pid}
	s.stop = func() error { return stopServer(command, watching) }
	select {
	case s.url = <-watching.url:
	case <-watching.ended:
		return nil, errors.Join(errors.New("the server ended before it served"), s.stop())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), s.stop())
	}
	if err := waitUntilReady(ctx, s.url); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.startUp = time.Since(started)
	return s, nil
}

// withoutSettings drops what would configure the server otherwise.
func withoutSettings(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "RUNHOOK_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// stopServer asks the server to end and returns what it complained about.
func stopServer(command *exec.Cmd, watching *watcher) error {
	timer := time.AfterFunc(patience, func() { command.Process.Kill() })
	defer timer.Stop()
	command.Process.Signal(os.Interrupt) // Wait reports one that has ended already
	<-watching.ended
	err := command.Wait()
	if err != nil {
		err = fmt.Errorf("the server ended with %w", err)
	}
	if len(watching.complaints) > 0 {
		err = errors.Join(err, fmt.Errorf("the server logged %d warnings or errors, the first: %s", len(watching.complaints), watching.complaints[0]))
	}
	return err
}

// undelivered is what a server says of an attempt that a receiver did not answer,
// as one that hangs does. The measurements themselves find out what never arrives.
const undelivered = "a notification was not delivered"

// watcher reads a server's log: where it serves, and what is wrong.
type watcher struct {
	url        chan string
	ended      chan struct{}
	complaints []string // to be read once ended is closed
}

func watch(log io.Reader) *watcher {
	w := &watcher{url: make(chan string, 1), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var record struct {
				Level   string `json:"level"`
				Message string `json:"msg"`
				URL     string `json:"url"`
			}
			switch err := json.Unmarshal(lines.Bytes(), &record); {
			case record.Message == undelivered:
			case err != nil || record.Level == "WARN" || record.Level == "ERROR":
				w.complaints = append(w.complaints, lines.Text())
			case record.Message == "serving":
				w.url <- record.URL
			}
		}
	}()
	return w
}

// waitUntilReady returns when the server says that it is ready.
func waitUntilReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := sleepUntil(ctx, time.Now().Add(time.Millisecond)); err != nil {
			return fmt.Errorf("the server at %s did not become ready", url)
		}
	}
}

// startServerInside starts a server in this process.
func (b *bench) startServerInside(ctx context.Context, database string) (*subject, error) {
	var log bytes.Buffer
	started := time.Now()
	inside, err := server.Open(ctx, server.Config{
		Address: "127.0.0.1:0", Database: database, EncryptionKey: encryptionKey, APIKeys: map[protocol.EnvironmentType]string{protocol.Development: apiKey},
		Outgoing: egress.New(egress.Config{RootCAs: b.identity.pool}),
		Log:      slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- inside.Run(running) }()
	s := &subject{url: inside.URL()}
	s.stop = func() error {
		cancel()
		err := errors.Join(<-ended, inside.Close())
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, undelivered) {
				err = errors.Join(err, fmt.Errorf("the server complained: %s", line))
			}
		}
		return err
	}
	if err := waitUntilReady(ctx, s.url); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.startUp = time.Since(started)
	return s, nil
}

// register registers the app and returns when it knows the jobs, of which
// there may be thousands.
func register(ctx context.Context, serverURL, appURL string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*patience)
	defer cancel()
	var registered struct {
		Index struct {
			ID string `json:"id"`
		} `json:"endpointIndex"`
	}
	body := fmt.Sprintf(`{"id":%q,"url":%q}`, endpointID, appURL+"/api/trigger")
	if err := ask(ctx, http.MethodPost, serverURL+"/api/v1/endpoints", body, &registered); err != nil {
		return fmt.Errorf("register the app: %w", err)
	}
	for {
		var index struct {
			Status string          `json:"status"`
			Error  json.RawMessage `json:"error"`
		}
		err := ask(ctx, http.MethodGet, serverURL+"/api/v1/endpointindex/"+registered.Index.ID, "", &index)
		switch {
		case err != nil:
			return fmt.Errorf("wait until the app is known: %w", err)
		case index.Status == "SUCCESS":
			return nil
		case index.Status == "FAILURE":
			return fmt.Errorf("the server cannot use the app: %s", index.Error)
		}
		if err := sleepUntil(ctx, time.Now().Add(5*time.Millisecond)); err != nil {
			return errors.New("the server did not get to know the app")
		}
	}
}

func ask(ctx context.Context, method, url, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	return exchange(http.DefaultClient, request, answer)
}
