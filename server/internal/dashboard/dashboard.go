package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/store"
)

// Config is what the dashboard works with. Every field is required.
type Config struct {
	// API answers what the pages show, and serves all that is no page.
	API    http.Handler
	Store  *store.Store
	PubSub *pubsub.Broadcaster
	// PublicURL is where browsers reach the server.
	PublicURL string
	Version   string
	Clock     clock.Clock
	Log       *slog.Logger
}

// Dashboard serves the pages. It may be used concurrently.
type Dashboard struct {
	Config
	cookieName string
	pages      http.Handler
}

// New returns the dashboard in front of the API.
func New(config Config) *Dashboard {
	d := &Dashboard{Config: config, cookieName: cookieName(config.PublicURL)}
	d.pages = d.routes()
	return d
}

// ServeHTTP serves a page, or passes the request on to the API.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.isPage(r) {
		d.API.ServeHTTP(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	d.pages.ServeHTTP(w, r)
}

// isPage reports whether a request is for a page. GET / is one for those who are signed
// in; others see what the API says there.
func (d *Dashboard) isPage(r *http.Request) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "":
		_, err := r.Cookie(d.cookieName)
		return err == nil && r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	case "env", "static", "sign-in", "sign-out", "orgs":
		return true
	}
	return false
}

func (d *Dashboard) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", serveStatic)
	mux.HandleFunc("GET /sign-in", d.signIn)
	mux.HandleFunc("POST /sign-out", d.signOut)
	mux.HandleFunc("GET /{$}", d.start)
	mux.HandleFunc("GET /orgs/{organization}/projects/{project}/{rest...}", d.v2Link)

	page := func(pattern string, show pageFunc) {
		mux.HandleFunc("GET /env/{environment}"+pattern, d.signedIn(actionRead, func(w http.ResponseWriter, r *http.Request, e *Environment) {
			shown, err := show(r, e)
			if err != nil {
				d.fail(w, r, err)
				return
			}
			d.render(w, r, e, shown)
		}))
	}
	page("", d.home)
	page("/runs", d.runs)
	page("/runs/{run}", d.run)
	page("/jobs", d.jobs)
	page("/jobs/{job...}", d.job)
	page("/events", d.events)
	page("/schedules", d.schedules)
	page("/notifications", d.notifications)
	page("/notifications/{notification}", d.notification)
	page("/subscriptions", d.subscriptions)
	page("/apps", d.apps)
	mux.HandleFunc("GET /env/{environment}/changes", d.signedIn(actionRead, d.changes))

	do := func(pattern string, act actFunc) {
		mux.HandleFunc("POST /env/{environment}"+pattern, d.signedIn(actionManage, func(w http.ResponseWriter, r *http.Request, e *Environment) {
			r.Body = http.MaxBytesReader(w, r.Body, largestForm)
			if err := r.ParseForm(); err != nil {
				d.fail(w, r, &apiError{http.StatusBadRequest, "The form cannot be read: " + err.Error()})
				return
			}
			to, err := act(r, e)
			if err != nil {
				d.fail(w, r, err)
				return
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		}))
	}
	do("/runs/{run}/cancel", d.cancelRun)
	do("/runs/{run}/continue", d.continueRun)
	do("/runs/{run}/rerun", d.rerun)
	do("/invoke", d.invoke)
	do("/notifications/{notification}/resend", d.resend)

	// A form of another site is refused by what the browser says of its origin.
	return http.NewCrossOriginProtection().Handler(mux)
}

// largestForm bounds the body of a form, in bytes: a payload of the largest size that the
// API takes, with what escaping adds.
const largestForm = 16 << 20

// pageFunc finds out what a page shows.
type pageFunc func(r *http.Request, e *Environment) (*page, error)

// actFunc does what a form asks for, and returns the page to go to.
type actFunc func(r *http.Request, e *Environment) (to string, err error)

// signedIn serves those who may do something in the environment of the path.
func (d *Dashboard) signedIn(what action, serve func(w http.ResponseWriter, r *http.Request, e *Environment)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := d.session(r)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		if s == nil {
			d.renderSignIn(w, http.StatusUnauthorized, "")
			return
		}
		e, err := d.environment(r.Context(), r.PathValue("environment"))
		if err == nil && !may(s, what, e) {
			err = &apiError{http.StatusForbidden, "You may not do this here."}
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		serve(w, r, e)
	}
}

// environments returns those that there are, PRODUCTION first.
func (d *Dashboard) environments(ctx context.Context) (all []*Environment, err error) {
	err = d.Store.View(ctx, func(tx *store.Tx) error {
		all = nil
		found, err := tx.Environments()
		for _, e := range found {
			all = append(all, &Environment{ID: e.ID, Slug: e.Slug, Name: string(e.Type), Off: e.Off, APIKey: e.APIKey})
		}
		return err
	})
	return all, err
}

func (d *Dashboard) environment(ctx context.Context, slug string) (*Environment, error) {
	all, err := d.environments(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.Slug == slug {
			return e, nil
		}
	}
	return nil, &apiError{http.StatusNotFound, fmt.Sprintf("There is no environment %q.", slug)}
}

// start is GET /: the environment that is worked with, which is the first that is on and
// has an app, or else DEVELOPMENT.
func (d *Dashboard) start(w http.ResponseWriter, r *http.Request) {
	s, err := d.session(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if s == nil { // the session of the cookie has ended
		http.SetCookie(w, d.cookie("", -1))
		d.API.ServeHTTP(w, r)
		return
	}
	to, err := d.startingPlace(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/env/"+to, http.StatusSeeOther)
}

func (d *Dashboard) startingPlace(ctx context.Context) (slug string, err error) {
	all, err := d.environments(ctx)
	if err != nil || len(all) == 0 {
		return "", errors.Join(err, errors.New("there is no environment"))
	}
	slug = all[0].Slug
	for _, e := range all {
		if e.Off != "" {
			continue
		}
		if e.Name == "DEVELOPMENT" {
			slug = e.Slug
		}
		var listed struct{ Endpoints []struct{} }
		if err := d.ask(ctx, e, "GET", own+"/endpoints", nil, nil, &listed); err != nil {
			return "", err
		}
		if len(listed.Endpoints) > 0 {
			return e.Slug, nil
		}
	}
	return slug, nil
}

// v2Link is a link as the Node SDK stores it with tasks; it leads to the page of its run,
// or to the first page.
func (d *Dashboard) v2Link(w http.ResponseWriter, r *http.Request) {
	s, err := d.session(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if s == nil {
		d.renderSignIn(w, http.StatusUnauthorized, "")
		return
	}
	all, err := d.environments(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	_, run, isRun := strings.Cut(r.PathValue("rest"), "/runs/")
	run, _, _ = strings.Cut(run, "/")
	for _, e := range all {
		if isRun && e.Off == "" && d.ask(r.Context(), e, "GET", path(own, "runs", run), nil, nil, nil) == nil {
			http.Redirect(w, r, path("/env", e.Slug, "runs", run), http.StatusSeeOther)
			return
		}
	}
	if isRun {
		d.fail(w, r, &apiError{http.StatusNotFound, "There is no run " + run + "."})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
