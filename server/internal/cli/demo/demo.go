package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says what to show, and to whom.
type Config struct {
	// Files are the paths of the files to examine. Without any, the texts of
	// package examples are.
	Files []string
	// NoCrash leaves the kill of the server out.
	NoCrash bool
	// DataDir is where the server keeps its data. Empty means a temporary folder
	// that is removed at the end.
	DataDir string
	// Program is the path of the program that, with ServerCommand as its first
	// argument and those of "serve" after it, is the server.
	Program string
	// Out is where people read what happens.
	Out io.Writer
	// JSON is where the notifications are written, or nil.
	JSON io.Writer
	// Terminal says that Out is a terminal, Colour that it may have colours.
	Terminal, Colour bool
}

// ErrUnexpected means that not all was as promised. What was not has been printed.
var ErrUnexpected = errors.New("not all was as expected")

// Run shows the demo. It returns nil if all was as promised, [ErrUnexpected] if
// something was not, and otherwise why the demo could not be shown to its end.
// When it returns, the server has ended.
func Run(ctx context.Context, config Config) error {
	d := &demo{config: config, screen: &screen{
		out: config.Out, terminal: config.Terminal, colour: config.Colour, started: time.Now(),
	}}
	err := d.show(ctx)
	d.screen.showStatus("")
	if err != nil && ctx.Err() != nil {
		return errors.New("stopped before the end")
	}
	return err
}

// demo is one showing.
type demo struct {
	config Config
	screen *screen
	data   string // the folder
	ledger *ledger
	server *child
	launch launcher
	// killed says in what state the runs were when the server was killed.
	killed map[place]int
}

func (d *demo) show(ctx context.Context) (err error) {
	remove, err := d.prepare()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	d.introduce()
	if err := d.perform(ctx); err != nil {
		return err
	}
	return d.conclude()
}

// prepare makes the data folder and finds the files. remove is to be called at
// the end.
func (d *demo) prepare() (remove func() error, err error) {
	remove = func() error { return nil }
	if d.data = d.config.DataDir; d.data == "" {
		if d.data, err = os.MkdirTemp("", "runhook-demo-"); err != nil {
			return nil, err
		}
		remove = func() error { return os.RemoveAll(d.data) }
	} else if err := os.MkdirAll(d.data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	paths := d.config.Files
	if len(paths) == 0 {
		if paths, err = unpackTexts(filepath.Join(d.data, "texts")); err != nil {
			return nil, errors.Join(err, remove())
		}
	}
	var files []*file
	d.screen.nameWidth = shortestName
	for i, path := range paths {
		name := shortName(path)
		if len(d.config.Files) == 0 {
			name = filepath.Base(path)
		}
		d.screen.nameWidth = max(d.screen.nameWidth, widthOf(name))
		files = append(files, &file{number: i, path: path, name: name})
	}
	d.ledger = newLedger(files, !d.config.NoCrash, d.screen)
	return remove, nil
}

func (d *demo) introduce() {
	d.screen.print(d.screen.paint(strong, "Runhook demo"))
	d.screen.print()
	text := fmt.Sprintf("A durable job examines %s in five tasks, with a wait of %s before the last. ",
		counted(len(d.ledger.files), "text file"), seconds(pause))
	if !d.config.NoCrash {
		text += "Half-way, the server is killed with SIGKILL and started again on the same data. " +
			"What had finished by then must not be executed again, and "
	} else {
		text += "Each finished task must be executed once, and "
	}
	d.screen.paragraph(plain, "", text+"for every file one signed completion webhook must arrive.")
	d.screen.print()
	d.screen.print(d.screen.paint(faint, " seconds  "+fit("who", whoWidth)+fit("what", whatWidth)+"which"))
}

// perform goes through the whole demo, up to the stop of the server.
func (d *demo) perform(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.launch = launcher{
		program: d.config.Program, database: filepath.Join(d.data, "runhook.db"),
		apiKey: "tr_dev_" + rand.Text(),
	}
	if d.server, err = d.launch.start(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.stop()) }()
	d.screen.event(good, "server", "started", d.process(), "http://"+d.server.address+", data in SQLite")
	workshop, err := openWorkshop(d.launch.apiKey, d.server.address, d.ledger)
	if err != nil {
		return err
	}
	defer workshop.close()
	if err := workshop.sdk.Register(ctx, workshop.appURL); err != nil {
		return err
	}
	d.screen.event(good, "app", "registered", workshop.app.job.ID(), workshop.address)
	if err := d.runs(ctx, cancel, workshop); err != nil {
		return err
	}
	// The app and the receiver are there for as long as the server may call.
	if err := d.server.stop(); err != nil {
		return err
	}
	d.screen.event(faint, "server", "stopped", d.process(), "")
	return nil
}

func (d *demo) process() string { return fmt.Sprintf("process %d", d.server.pid()) }

// runs invokes the job for every file, kills the server, and waits for the
// notifications. cancel ends ctx.
func (d *demo) runs(ctx context.Context, cancel context.CancelCauseFunc, w *workshop) error {
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel(nil)
	running.Go(func() { d.watch(ctx, cancel) })
	invoked := make(chan struct{})
	running.Go(func() {
		if err := w.invokeAll(ctx); err != nil {
			cancel(err)
			return
		}
		close(invoked)
	})
	if !d.config.NoCrash {
		if err := d.crash(ctx); err != nil {
			return err
		}
	}
	if err := await(ctx, invoked, d.server); err != nil {
		return err
	}
	return await(ctx, d.ledger.allNotified, d.server)
}

// await returns nil when what is hoped for happens, and otherwise why it will
// not.
func await(ctx context.Context, hoped <-chan struct{}, server *child) error {
	select {
	case <-hoped:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-server.exited:
		return server.failure("the server ended by itself")
	}
}

// crash kills the server when the runs are where it is to meet them, and starts
// it again.
func (d *demo) crash(ctx context.Context) error {
	if err := await(ctx, d.ledger.atRest, d.server); err != nil {
		return err
	}
	d.killed = d.ledger.census()
	address := d.server.address
	d.screen.event(bad, "server", "SIGKILL", d.process(), "runs: "+whereabouts(d.killed))
	if err := d.server.kill(); err != nil {
		return err
	}
	killedAt := time.Now()
	select {
	case <-d.ledger.crashed():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	again, err := d.launch.start(ctx, address)
	if err != nil {
		return err
	}
	d.server = again
	d.screen.event(good, "server", "back", d.process(),
		fmt.Sprintf("after %s, same address, same data", seconds(time.Since(killedAt))))
	return nil
}
