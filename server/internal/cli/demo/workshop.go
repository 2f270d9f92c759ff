package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/examples"
)

// invocations is how many files the job is invoked for at once.
const invocations = 8

// workshop is what a user would have: an app with a job, and a receiver of
// webhooks. Both are on one port of loopback.
type workshop struct {
	address  string
	appURL   string
	callback string
	sdk      *runhook.App
	app      *app
	ledger   *ledger
	server   *http.Server
	serving  sync.WaitGroup
}

// openWorkshop starts an app for the server at an address. It serves until it is
// closed.
func openWorkshop(apiKey, serverAddress string, l *ledger) (*workshop, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	// A name of its own, in the paths too, keeps runs apart that an earlier demo
	// may have left in the same data folder.
	session := strings.ToLower(rand.Text()[:8])
	base := "http://" + listener.Addr().String()
	w := &workshop{
		address: base, appURL: base + "/" + session + "/app", callback: base + "/" + session + "/notifications", ledger: l,
	}
	silent := slog.New(slog.DiscardHandler)
	w.sdk = runhook.New(runhook.Config{
		ID: "demo-" + session, APIKey: apiKey, APIURL: "http://" + serverAddress, Logger: silent,
	})
	w.app = newApp(w.sdk, l)
	notifications, err := newReceiver(apiKey, l, silent)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/"+session+"/app", w.sdk)
	mux.Handle("/"+session+"/notifications", notifications)
	w.server = &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.serving.Go(func() { w.server.Serve(listener) })
	return w, nil
}

// close ends the app and the receiver, with whatever they are doing.
func (w *workshop) close() {
	w.server.Close()
	w.serving.Wait()
}

// invokeAll invokes the job for every file.
func (w *workshop) invokeAll(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	files := make(chan *file)
	var working sync.WaitGroup
	for range min(invocations, len(w.ledger.files)) {
		working.Go(func() {
			for f := range files {
				if err := w.invoke(ctx, f); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, f := range w.ledger.files {
		select {
		case files <- f:
		case <-ctx.Done():
		}
	}
	close(files)
	working.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (w *workshop) invoke(ctx context.Context, f *file) error {
	run, err := w.app.job.Invoke(ctx, fileToRead{Number: f.number, File: f.path}, runhook.CallbackURL(w.callback))
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	w.ledger.accepted(f, run.ID)
	return nil
}

// unpackTexts writes the shipped texts to a folder and returns their paths.
func unpackTexts(folder string) ([]string, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("unpack the texts: %w", err)
	}
	names, err := fs.Glob(examples.Texts, "texts/*.txt")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		text, err := examples.Texts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(folder, filepath.Base(name))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("unpack the texts: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
