package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// page is what a page shows: Data by the template of its Name.
type page struct {
	// Name is that of its template, and Section where it is in the menu.
	Name, Section string
	Title         string
	Data          any
	// Live pages are fetched again when something changes in their environment.
	Live bool
}

// frame is what is around a page.
type frame struct {
	*page
	Environment  *Environment
	Environments []*Environment
	Menu         []menuItem
	Version      string
	// Now is when the page was made.
	Now time.Time
}

type menuItem struct{ Section, Title, Key string }

// menu are the pages of an environment. The key follows g.
var menu = []menuItem{
	{"", "Home", "h"}, {"runs", "Runs", "r"}, {"jobs", "Jobs", "j"}, {"events", "Events", "e"}, {"schedules", "Schedules", "s"},
	{"notifications", "Notifications", "n"}, {"subscriptions", "Subscriptions", "u"}, {"apps", "Apps", "a"},
}

// templates are those of the pages, by their names; each stands in the layout.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	const folder = "templates/"
	layout := template.Must(template.New("layout.html").Funcs(functions).ParseFS(files, folder+"layout.html", folder+"parts.html"))
	names, err := fs.Glob(files, folder+"*.html")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	parsed := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, folder), ".html")
		parsed[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, file))
	}
	return parsed
}

// render answers with a page of an environment.
func (d *Dashboard) render(w http.ResponseWriter, r *http.Request, e *Environment, shown *page) {
	d.renderStatus(w, r, http.StatusOK, e, shown)
}

func (d *Dashboard) renderStatus(w http.ResponseWriter, r *http.Request, status int, e *Environment, shown *page) {
	all, err := d.environments(r.Context())
	if err != nil {
		d.Log.Error("cannot list the environments for a page", "path", r.URL.Path, "err", err)
		http.Error(w, "The database does not answer.", http.StatusServiceUnavailable)
		return
	}
	d.write(w, status, shown.Name, frame{page: shown, Environment: e, Environments: all, Menu: menu, Version: d.Version, Now: d.Clock.Now()})
}

// write executes a template whole before anything is sent.
func (d *Dashboard) write(w http.ResponseWriter, status int, name string, data any) {
	var text bytes.Buffer
	if err := templates[name].ExecuteTemplate(&text, "layout.html", data); err != nil {
		d.Log.Error("cannot render a page", "page", name, "err", err)
		http.Error(w, "This page cannot be shown; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

// renderSignIn says how to sign in. problem says why a link was refused.
func (d *Dashboard) renderSignIn(w http.ResponseWriter, status int, problem string) {
	d.write(w, status, "signin", frame{page: &page{Name: "signin", Title: "Sign in", Data: problem}, Version: d.Version, Now: d.Clock.Now()})
}

// fail answers with what went wrong: what the API refused in its words, anything else in
// the log only.
func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem := &apiError{http.StatusInternalServerError, "The server could not make this page; its log says why."}
	if refused := new(*apiError); errors.As(err, refused) {
		problem = *refused
	} else if r.Context().Err() == nil {
		d.Log.Error("cannot make a page", "path", r.URL.Path, "err", err)
	}
	e, _ := d.environment(r.Context(), r.PathValue("environment"))
	d.renderStatus(w, r, problem.status, e, &page{Name: "problem", Title: http.StatusText(problem.status), Data: problem.text})
}

// static are the files that pages name, by their names, with a version from what is in
// them, so that browsers may keep them.
var static = readStatic()

type staticFile struct {
	text    []byte
	kind    string
	version string
}

func readStatic() map[string]staticFile {
	all := map[string]staticFile{}
	entries, err := files.ReadDir("static")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, entry := range entries {
		text, err := files.ReadFile("static/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		kind := mime.TypeByExtension(filepath.Ext(entry.Name()))
		if kind == "" {
			kind = "text/plain; charset=utf-8"
		}
		all[entry.Name()] = staticFile{text, kind, hex.EncodeToString(sum[:6])}
	}
	return all
}

// staticURL is where browsers get a file.
func staticURL(name string) string { return "/static/" + name + "?v=" + static[name].version }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	file, found := static[r.PathValue("file")]
	if !found {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.kind)
	if r.URL.Query().Get("v") == file.version {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Write(file.text)
}

// path joins segments, each escaped, to a path under a base.
func path(base string, segments ...string) string {
	for _, segment := range segments {
		base += "/" + url.PathEscape(segment)
	}
	return base
}
