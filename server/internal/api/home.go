package api

import (
	"bytes"
	_ "embed"
	"html/template"
	"mime"
	"net/http"
	"strings"
)

// documentation is where the documents of this program are.
const documentation = "https://github.com/runhook/runhook/blob/main"

//go:embed home.html
var homeText string

var homePage = template.Must(template.New("home").Parse(homeText))

// about is what GET / says. There is nothing secret in it.
type about struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Documentation string `json:"documentation"`
}

// home is GET /: what this is, as a page for people, and as JSON for clients that ask
// for that.
func (a *API) home(w http.ResponseWriter, r *http.Request) {
	said := about{"runhook", a.Version, documentation}
	w.Header().Set("Vary", "Accept")
	if prefersJSON(r.Header.Get("Accept")) {
		writeJSON(w, http.StatusOK, said)
		return
	}
	var page bytes.Buffer
	if err := homePage.Execute(&page, said); err != nil {
		a.Log.Error("cannot write the page of the server", "err", err)
		writeError(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	w.Write(page.Bytes())
}

// prefersJSON reports whether an Accept header names JSON and does not name HTML
// before it.
func prefersJSON(accept string) bool {
	for one := range strings.SplitSeq(accept, ",") {
		kind, _, err := mime.ParseMediaType(one)
		switch {
		case err != nil:
		case kind == "text/html":
			return false
		case kind == "application/json":
			return true
		}
	}
	return false
}
